package io.github.invoicelock.console;

import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Lists for a spreadsheet, written a page at a time while they are read. */
final class CsvExport {
    private static final List<String> HEADER = List.of(
            "invoice",
            "attempt",
            "state",
            "cause",
            "key",
            "reference",
            "code",
            "message",
            "calls",
            "claimed",
            "settled",
            "decided by",
            "note");

    private CsvExport() {}

    static ConsoleResponse waiting(Visit visit) {
        LockingInvoiceBiller biller = visit.biller();
        AttemptFilter filter = visit.filter();
        // The first page before the first byte: what cannot be read is told as a page.
        Page<BillingAttempt> first = biller.find(filter, PageRequest.first(PageRequest.LARGEST));
        return csv("waiting", out -> {
            Page<BillingAttempt> page = first;
            while (true) {
                for (BillingAttempt attempt : page.rows()) {
                    line(out, row(attempt));
                }
                String next = page.next();
                if (next == null) {
                    return;
                }
                page = biller.find(
                        filter, PageRequest.first(PageRequest.LARGEST).after(next));
            }
        });
    }

    static ConsoleResponse charged(Visit visit) {
        Looking.Period period = Looking.period(visit);
        Instant from = period.from();
        Iterator<BillingAttempt> charges =
                visit.biller().billed(from, period.until()).iterator();
        return csv("charged", out -> {
            while (charges.hasNext()) {
                line(out, row(charges.next()));
            }
        });
    }

    private static ConsoleResponse csv(String name, ConsoleResponse.Body rows) {
        return new ConsoleResponse(
                200,
                Map.of(
                        "Content-Type",
                        "text/csv; charset=utf-8",
                        "Content-Disposition",
                        "attachment; filename=\"" + name + ".csv\""),
                out -> {
                    line(out, HEADER.stream());
                    rows.writeTo(out);
                });
    }

    private static Stream<@Nullable String> row(BillingAttempt attempt) {
        return Stream.of(
                attempt.invoiceId(),
                String.valueOf(attempt.number()),
                attempt.state().name(),
                attempt.cause() == null ? null : attempt.cause().name(),
                attempt.idempotencyKey(),
                attempt.reference(),
                attempt.code(),
                attempt.message(),
                String.valueOf(attempt.calls()),
                attempt.startedAt().toString(),
                attempt.settledAt() == null ? null : attempt.settledAt().toString(),
                attempt.resolvedBy(),
                attempt.note());
    }

    private static void line(OutputStream out, Stream<? extends @Nullable String> cells) throws IOException {
        out.write((cells.map(CsvExport::cell).collect(Collectors.joining(",")) + "\r\n")
                .getBytes(StandardCharsets.UTF_8));
    }

    /** Quoted, and never a formula: a spreadsheet would run what a provider's message, or an invoice's id, begins with. */
    static String cell(@Nullable String value) {
        if (value == null || value.isEmpty()) {
            return "";
        }
        String harmless = "=+-@\t\r".indexOf(value.charAt(0)) < 0 ? value : "'" + value;
        return "\"" + harmless.replace("\"", "\"\"") + "\"";
    }
}
