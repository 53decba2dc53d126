package io.github.invoicelock.internal.setup;

import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import java.util.Optional;
import org.jooq.DSLContext;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether an index serves the search for pending invoices: PostgreSQL's own planner is asked, with sequential scans and sorts
 * made unattractive. One does if the plan needs neither, and no filter on rows that are not pending. On Citus the plan of one shard counts:
 * what the shards answer is always sorted once more.
 */
public final class IndexAdvice {
    private IndexAdvice() {}

    /**
     * Logs the statement that creates the index, if none serves.
     *
     * @param database the door
     * @param biller whose
     * @param invoices its table
     */
    public static void log(Database database, String biller, Invoices invoices) {
        missing(database, invoices)
                .ifPresent(statement -> LoggerFactory.getLogger("io.github.invoicelock")
                        .warn(
                                "biller={} no index serves the search for pending invoices; each run reads the whole table. Create one: {}",
                                biller,
                                statement));
    }

    static Optional<String> missing(Database database, Invoices invoices) {
        boolean served = database.inTransaction(tx -> served(tx, invoices));
        return served ? Optional.empty() : Optional.of(invoices.indexAdvice());
    }

    private static boolean served(DSLContext tx, Invoices invoices) {
        tx.execute("set local enable_seqscan = off");
        tx.execute("set local enable_sort = off");
        tx.execute("set local enable_incremental_sort = off");
        tx.execute("set local enable_bitmapscan = off");
        String plan = String.join(
                "\n", tx.fetch("explain {0}", invoices.pendingInOrder()).getValues(0, String.class));
        plan = plan.substring(Math.max(0, plan.indexOf("->  Task")));
        return plan.contains("Index")
                && !plan.contains("Seq Scan")
                && !plan.contains("Sort")
                && !plan.contains("Filter:");
    }
}
