package io.github.invoicelock;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Judges invoices by the promises alone: what the journal, the host's table, the lists for people and the provider's accounts show. */
final class InvoiceJudge {
    private final Map<String, List<Row>> journal = new HashMap<>();
    private final Map<String, Invoice> invoices = new HashMap<>();
    private final Set<String> listed = new HashSet<>();
    private final Set<String> toldOf;

    private record Row(
            String invoiceId,
            int number,
            String key,
            String state,
            boolean due,
            @Nullable String reference,
            String text) {}

    private record Invoice(
            boolean pending, int marks, @Nullable String reference) {}

    private InvoiceJudge(Set<String> toldOf) {
        this.toldOf = toldOf;
    }

    /**
     * Reads how everything stands.
     *
     * @param invoices the host's table: id, pending, marks, reference
     * @param toldOf the invoices of which a listener was told an anomaly
     */
    static InvoiceJudge of(TestHost host, LockingInvoiceBiller biller, String invoices, Set<String> toldOf) {
        InvoiceJudge judge = new InvoiceJudge(toldOf);
        biller.needsAttention().forEach(attempt -> judge.listed.add(attempt.invoiceId() + "/" + attempt.number()));
        try (Connection connection = host.database().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            judge.readJournal(statement, biller.name());
            judge.readInvoices(statement, invoices);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return judge;
    }

    private void readJournal(Statement statement, String biller) throws SQLException {
        try (ResultSet row = statement.executeQuery(
                "select invoice_id, number, idempotency_key, state, due_at is not null, reference, due_at - now(), lease_until - now(), fence, "
                        + "calls, code, message from invoice_lock.billing_attempt where biller = '" + biller
                        + "' order by invoice_id, number")) {
            while (row.next()) {
                String text = row.getInt(2) + " " + row.getString(4) + " due in " + row.getString(7) + ", leased for "
                        + row.getString(8) + ", fence " + row.getInt(9) + ", calls " + row.getInt(10) + ", reference "
                        + row.getString(6) + ", code " + row.getString(11) + ", message " + row.getString(12);
                journal.computeIfAbsent(row.getString(1), id -> new ArrayList<>())
                        .add(new Row(
                                row.getString(1),
                                row.getInt(2),
                                row.getString(3),
                                row.getString(4),
                                row.getBoolean(5),
                                row.getString(6),
                                text));
            }
        }
    }

    private void readInvoices(Statement statement, String table) throws SQLException {
        try (ResultSet row = statement.executeQuery("select id, pending, marks, reference from " + table)) {
            while (row.next()) {
                invoices.put(row.getString(1), new Invoice(row.getBoolean(2), row.getInt(3), row.getString(4)));
            }
        }
    }

    /** The state of an invoice's newest attempt; empty where there is none. */
    String newestState(String invoiceId) {
        List<Row> rows = rows(invoiceId);
        return rows.isEmpty() ? "" : rows.get(rows.size() - 1).state();
    }

    /**
     * What is wrong with an invoice.
     *
     * @param atTheEnd whether runs have had the time for all that was due
     */
    List<String> wrongs(String invoiceId, MatrixAccount account, boolean atTheEnd) {
        List<String> wrongs = new ArrayList<>(account.wrongs());
        Invoice invoice = invoices.getOrDefault(invoiceId, new Invoice(false, 0, null));
        List<Row> rows = rows(invoiceId);
        if (rows.isEmpty() && invoice.pending() && atTheEnd) {
            wrongs.add("lost: pending, without an attempt, and no run took it up");
        }
        boolean charged = rows.stream().anyMatch(row -> row.state().equals("BILLED"));
        for (Row row : rows) {
            String lacking = lacking(row, rows, invoice, charged, account, atTheEnd);
            if (lacking != null) {
                wrongs.add("R22: attempt " + row.number() + " " + row.state() + " has no reader: " + lacking);
            }
        }
        judgeMarks(rows, invoice, wrongs);
        if (atTheEnd && account.toldCharges().size() > 1 && !rows.isEmpty() && !isTold(rows)) {
            wrongs.add("R23: the library knew of the charges " + account.toldCharges() + " and told nobody");
        }
        if (!charged && !account.toldCharges().isEmpty() && !rows.isEmpty()) {
            wrongs.add("R5: the library was told of " + account.toldCharges() + ", and the journal has no charge");
        }
        return wrongs;
    }

    private @Nullable String lacking(
            Row row, List<Row> rows, Invoice invoice, boolean charged, MatrixAccount account, boolean atTheEnd) {
        boolean isListed = isListed(row);
        // What was accepted is asked about until the policy gives up, which may take more runs than are made here.
        if (row.due() && atTheEnd && !isListed && !row.state().equals("ACCEPTED")) {
            return "it is still due after all those runs";
        }
        if (row.due() || isListed) {
            return null;
        }
        boolean newest = row.number() == rows.get(rows.size() - 1).number();
        return switch (row.state()) {
            case "BILLED" ->
                invoice.pending() && atTheEnd && !isTold(rows)
                        ? "charged and still pending, not due, and nobody was told"
                        : null;
            case "WITHDRAWN" -> invoice.pending() && !charged ? "pending again, and not listed" : null;
            case "DECLINED" ->
                !newest || charged || account.closed(row.key())
                        ? null
                        : "not due, not listed, and closed by nobody's word";
            case "NOT_BILLED" -> newest && !charged ? "not due, and not listed" : null;
            default -> "not due, and not listed";
        };
    }

    private static void judgeMarks(List<Row> rows, Invoice invoice, List<String> wrongs) {
        List<String> references = rows.stream()
                .filter(row -> row.state().equals("BILLED"))
                .map(row -> String.valueOf(row.reference()))
                .toList();
        if (rows.isEmpty()) {
            return;
        }
        if (invoice.marks() > references.size()) {
            wrongs.add(
                    "R21: marked " + invoice.marks() + " times for " + references.size() + " charges in the journal");
        }
        if (invoice.marks() > 0 && !references.contains(String.valueOf(invoice.reference()))) {
            wrongs.add("R21: marked with " + invoice.reference() + ", the journal has " + references);
        }
    }

    private boolean isTold(List<Row> rows) {
        return rows.stream().anyMatch(row -> toldOf.contains(row.invoiceId()) || isListed(row));
    }

    private boolean isListed(Row row) {
        return listed.contains(row.invoiceId() + "/" + row.number());
    }

    private List<Row> rows(String invoiceId) {
        return journal.getOrDefault(invoiceId, Collections.emptyList());
    }

    /** All that is known of it, for the message. */
    String describe(String invoiceId) {
        StringBuilder text = new StringBuilder("    invoice " + invoiceId + ": " + invoices.get(invoiceId));
        for (Row row : rows(invoiceId)) {
            text.append("\n    attempt ").append(row.text()).append(isListed(row) ? ", listed" : "");
        }
        return text.append(toldOf.contains(invoiceId) ? "\n    an anomaly was told" : "")
                .toString();
    }
}
