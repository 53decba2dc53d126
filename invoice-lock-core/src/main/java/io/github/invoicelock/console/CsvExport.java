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
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists for a spreadsheet, written a page at a time while they are read. What others have said is never a formula there, however the spreadsheet
 * takes the file apart: where it expects semicolons or tabs, quotation marks in the middle of a line mean nothing to it.
 */
final class CsvExport {
    private static final Logger LOG = LoggerFactory.getLogger(Console.class);

    /**
     * What begins a formula, at the beginning of a text or behind what some spreadsheet takes for the end of a cell. Blanks and quotation marks
     * before it do not help.
     */
    private static final Pattern FORMULA =
            Pattern.compile("(?<![^,;|\\t\\r\\n])(?=[\\s\"']*[=+\\-@\\t\\r\\uFF1D\\uFF0B\\uFF0D\\uFF20])");

    private static final Pattern NUMBER = Pattern.compile("[+-]?\\d+(\\.\\d+)?");

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
                    whole(out, rows);
                });
    }

    /** A list that breaks off does not look like a whole one: its last line says so, and the door cuts the connection. */
    private static void whole(OutputStream out, ConsoleResponse.Body rows) throws IOException {
        try {
            rows.writeTo(out);
        } catch (RuntimeException | Error e) {
            LOG.error("console: a CSV breaks off, and says so in its last line", e);
            line(
                    out,
                    Stream.of(
                            "INCOMPLETE",
                            "The list breaks off here: it could not be read to its end. Export it again."));
            out.flush();
            throw e;
        }
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

    /** A number as it is; a text in quotation marks, with an apostrophe before what would be a formula. */
    static String cell(@Nullable String value) {
        if (value == null || value.isEmpty()) {
            return "";
        }
        if (NUMBER.matcher(value).matches()) {
            return value;
        }
        return "\"" + FORMULA.matcher(value).replaceAll("'").replace("\"", "\"\"") + "\"";
    }
}
