package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.PrunablePage;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;

/**
 * Deletes what is settled for long from one biller's part of the journal. R14: never of an invoice that is pending, nor of one that is
 * being set back to pending at the same moment.
 *
 * @param schema where the journal is
 * @param installation the journal's
 * @param journal its statements
 * @param invoices those of the host's table
 */
public record Pruning(String schema, UUID installation, Journal journal, Invoices invoices) {
    /**
     * A copy of the invoice that an application read before it was charged, and writes back afterwards, sets it back to pending: what
     * happens by mistake happens within hours. What comes late from the provider comes in days.
     */
    private static final Duration YOUNGEST = Duration.ofDays(1);
    /** So few that an invoice's row is held for moments, so many that the round trips do not count. */
    private static final int PAGE = 1_000;

    private static final Duration IDLE = Duration.ofMinutes(1);

    /**
     * Deletes, page by page, each in a transaction of its own.
     *
     * @param dataSource of a role that may
     * @param settledBefore the date
     * @return how many attempts were deleted
     * @throws SetupException if the date is too young, the role may not, or this database is not the biller's
     */
    public long prune(DataSource dataSource, Instant settledBefore) {
        Server server = Server.ask(dataSource);
        if (server.citus()) {
            throw new SetupException("The journal \"" + schema
                    + "\" cannot be pruned on Citus: the invoices of a page are held against being set back to pending, and Citus locks "
                    + "a row only by a statement that names it. Keep it as it is: it is spread over the nodes.");
        }
        Database database =
                Database.of(dataSource, server, SessionSettings.momentary(IDLE, SessionSettings.Work.PAGES));
        OffsetDateTime before = settledBefore.atOffset(ZoneOffset.UTC);
        database.inTransaction(tx -> {
            check(tx, server);
            refuseYoung(journal.inquiries().clock(tx).toInstant(), settledBefore);
            return null;
        });
        // By keys alone: whatever the statistics say, an index is right.
        SessionSettings byKey = SessionSettings.momentary(IDLE, SessionSettings.Work.ONE_ROW);
        long pruned = 0;
        long lastId = Long.MIN_VALUE;
        while (true) {
            long after = lastId;
            PrunablePage page =
                    database.inTransaction(byKey, tx -> journal.old().prunable(tx, after, before, PAGE));
            if (!page.prunable().isEmpty()) {
                pruned += database.inTransaction(byKey, tx -> delete(tx, page, before));
            }
            if (page.young() || page.lastId() == after) {
                return pruned;
            }
            lastId = page.lastId();
        }
    }

    private int delete(DSLContext tx, PrunablePage page, OffsetDateTime before) {
        // R14: the rows are held until the attempts are gone, so that none is set back to pending in between.
        Set<String> notPending = invoices.rowLocks()
                .lockedNotPending(tx, Set.copyOf(page.prunable().values()));
        List<Long> ids = page.prunable().entrySet().stream()
                .filter(attempt -> notPending.contains(attempt.getValue()))
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
        return ids.isEmpty() ? 0 : journal.old().delete(tx, ids, before);
    }

    private static void refuseYoung(Instant now, Instant settledBefore) {
        if (Duration.between(settledBefore, now).compareTo(YOUNGEST) < 0) {
            throw new SetupException("settledBefore is " + settledBefore + "; it must be at least " + YOUNGEST.toHours()
                    + " hours before the database's clock, which is " + now
                    + ". What was charged today may still be set back to pending by mistake, and only the journal keeps it from being "
                    + "charged again. Say e.g. Instant.now().minus(Duration.ofDays(730)).");
        }
    }

    private void check(DSLContext tx, Server server) {
        if (!JournalCheck.exists(tx, schema)) {
            throw new SetupException(
                    "The journal \"" + schema
                            + "\" is not there. Give InvoiceLockSchema.prune a DataSource that leads to the biller's own database.");
        }
        JournalCheck.requirePrivileges(tx, server, quoted(schema, "billing_attempt"), List.of("select", "delete"));
        JournalCheck.requirePrivileges(tx, server, quoted(schema, "attempt_event"), List.of("select", "delete"));
        JournalCheck.requirePrivileges(tx, server, quoted(schema, "installation"), List.of("select"));
        UUID there = tx.fetchSingle("select id from {0}", name(schema, "installation"))
                .get(0, UUID.class);
        if (!there.equals(installation)) {
            throw new SetupException("The journal \"" + schema + "\" is of installation " + there
                    + ", and the biller's is of installation " + installation
                    + ". Give InvoiceLockSchema.prune a DataSource that leads to the biller's own database.");
        }
        // FOR SHARE needs that, too.
        if (!is(tx, "has_table_privilege({0}, 'select') and has_any_column_privilege({0}, 'update')")) {
            throw new SetupException("Role \"" + server.role()
                    + "\" may not hold rows of " + invoices.qualifiedName()
                    + ", which keeps them from being set back to pending meanwhile. Run: grant select, update on "
                    + invoices.qualifiedName() + " to \"" + server.role() + "\"; update on one column is enough.");
        }
        refuseWhatMayHide(tx);
        if (is(tx, "row_security_active({0})")) {
            throw new SetupException("Role \"" + server.role() + "\" sees only those rows of "
                    + invoices.qualifiedName()
                    + " that a policy shows, and cannot tell which of the others are pending. Prune as the table's owner, or as a role "
                    + "with bypassrls.");
        }
    }

    /** R14: what such a table does not show may be there all the same, and pending, or become both again. */
    private void refuseWhatMayHide(DSLContext tx) {
        Record table = tx.fetchSingle(
                "select relkind::text as kind, relispartition as part from pg_class where oid = to_regclass({0})",
                DSL.val(invoices.qualifiedName()));
        String what =
                switch (table.get("kind", String.class)) {
                    case "v" -> "a view, which may hide invoices";
                    case "f" -> "a foreign table, which shows what another server lets its role see";
                    default -> table.get("part", Boolean.class) ? "a partition, which an invoice may leave" : null;
                };
        if (what != null) {
            throw new SetupException(invoices.qualifiedName() + " is " + what
                    + ": what is not seen there would be taken for gone, and billed anew when it is seen again. Keep the journal as it is, or "
                    + "let a biller of the same name bill the whole table, if its ids are the same, and prune with that one. The refusal to "
                    + "build it says how to keep the name.");
        }
    }

    private boolean is(DSLContext tx, String question) {
        return tx.fetchSingle("select " + question, DSL.val(invoices.qualifiedName()))
                .get(0, Boolean.class);
    }

    private static String quoted(String schema, String table) {
        return DSL.using(SQLDialect.POSTGRES).render(name(schema, table));
    }
}
