package io.github.invoicelock.examples.campaign;

import io.github.invoicelock.examples.schemas.HostSchema;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The provider's ledger compared with the host's tables and the journal.
 *
 * @param invoices how many there were
 * @param billed how many are recorded as billed
 * @param parked how many wait for a person
 * @param chargedTwice which the provider charged more than once
 * @param notRecorded which were charged, and neither recorded nor due nor parked
 * @param notCharged which are recorded as billed, and were not charged
 * @param lost which are neither billed, due, parked nor closed by a refusal that the host knows of
 * @param otherRequests for which a key came with another request than the first (R4)
 * @param wrongRows whose rows in the host's own table of charges are not just the one of their charge, or any without one
 */
record Verdict(
        int invoices,
        int billed,
        int parked,
        List<String> chargedTwice,
        List<String> notRecorded,
        List<String> notCharged,
        List<String> lost,
        Set<String> otherRequests,
        List<String> wrongRows) {

    private static final int ROWS_AT_ONCE = 10_000;

    /** What the journal has of an invoice: the reference of its charge, whether the library will look at it again, and whether it was refused. */
    private record Journaled(@Nullable String reference, boolean due, boolean refused) {}

    /**
     * Compares.
     *
     * @param jdbcUrl the host's database
     * @param schema of the host's tables
     * @param provider what it knows
     * @return the verdict
     * @throws SQLException if the database does not answer
     */
    static Verdict of(String jdbcUrl, HostSchema schema, Ledger provider) throws SQLException {
        List<String> twice = new ArrayList<>();
        List<String> notRecorded = new ArrayList<>();
        List<String> notCharged = new ArrayList<>();
        List<String> lost = new ArrayList<>();
        List<String> wrongRows = new ArrayList<>();
        Map<String, String> ledger = provider.charges();
        Set<String> seen = new HashSet<>();
        int billed = 0;
        int parked = 0;
        try (Connection connection = DriverManager.getConnection(jdbcUrl)) {
            // One look at three queries, each of one table: on Citus the tables are not joined.
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            Map<String, Journaled> journal = journal(connection, schema.biller());
            Set<String> waiting = waiting(connection, schema.biller());
            try (Statement statement = rowByRow(connection);
                    ResultSet rows = statement.executeQuery(schema.look())) {
                while (rows.next()) {
                    String id = rows.getString(1);
                    seen.add(id);
                    boolean pending = rows.getBoolean(2);
                    Journaled journaled = journal.get(id);
                    String reference = journaled == null ? null : journaled.reference();
                    boolean due = journaled != null && journaled.due();
                    boolean waits = waiting.contains(id);
                    boolean free = pending && journaled == null;
                    // The host knows of a refusal by a state of its own; nobody is left to decide.
                    boolean closed = journaled != null && journaled.refused() && !pending;
                    String charged = ledger.get(id);
                    String stored = rows.getString(3);
                    if (charged != null && charged.contains(",")) {
                        twice.add(id + " (" + charged + ")");
                    }
                    boolean recorded = reference != null && (due || (!pending && reference.equals(stored)));
                    if (charged != null && !recorded && !due && !waits) {
                        notRecorded.add(id);
                    }
                    if (reference != null && (charged == null || !charged.contains(reference))) {
                        notCharged.add(id);
                    }
                    if (!recorded && !due && !waits && !free && !closed) {
                        lost.add(id);
                    }
                    Array charges = rows.getArray(4);
                    // They come with the mark, in its transaction.
                    List<?> expected = pending || reference == null ? List.of() : List.of(reference);
                    if (charges != null
                            && !List.of((Object[]) charges.getArray()).equals(expected)) {
                        wrongRows.add(id + " " + charges);
                    }
                    billed += recorded ? 1 : 0;
                    parked += waits ? 1 : 0;
                }
            }
        }
        ledger.keySet().stream().filter(id -> !seen.contains(id)).forEach(notRecorded::add);
        return new Verdict(
                seen.size(), billed, parked, twice, notRecorded, notCharged, lost, provider.otherRequests(), wrongRows);
    }

    private static Statement rowByRow(Connection connection) throws SQLException {
        Statement statement = connection.createStatement();
        statement.setFetchSize(ROWS_AT_ONCE);
        return statement;
    }

    private static Map<String, Journaled> journal(Connection connection, String biller) throws SQLException {
        Map<String, Journaled> journal = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(
                "select invoice_id, max(reference) filter (where state = 'BILLED'), bool_or(due_at is not null), "
                        + "(array_agg(state order by number desc))[1] = 'DECLINED' "
                        + "from invoice_lock.billing_attempt where biller = ? group by invoice_id")) {
            statement.setString(1, biller);
            statement.setFetchSize(ROWS_AT_ONCE);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    journal.put(
                            rows.getString(1),
                            new Journaled(rows.getString(2), rows.getBoolean(3), rows.getBoolean(4)));
                }
            }
        }
        return journal;
    }

    private static Set<String> waiting(Connection connection, String biller) throws SQLException {
        Set<String> waiting = new HashSet<>();
        try (PreparedStatement statement =
                connection.prepareStatement("select invoice_id from invoice_lock.needs_attention where biller = ?")) {
            statement.setString(1, biller);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    waiting.add(rows.getString(1));
                }
            }
        }
        return waiting;
    }

    boolean asPromised() {
        return chargedTwice.isEmpty()
                && notRecorded.isEmpty()
                && notCharged.isEmpty()
                && lost.isEmpty()
                && otherRequests.isEmpty()
                && wrongRows.isEmpty();
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "invoices %d, billed %d, parked %d; charged twice %d, charged and not recorded %d, recorded and not charged %d, lost %d, "
                        + "other requests under a key %d, wrong rows of charges %d",
                invoices,
                billed,
                parked,
                chargedTwice.size(),
                notRecorded.size(),
                notCharged.size(),
                lost.size(),
                otherRequests.size(),
                wrongRows.size());
    }
}
