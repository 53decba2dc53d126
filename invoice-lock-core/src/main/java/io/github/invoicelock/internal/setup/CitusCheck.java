package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;

import io.github.invoicelock.SetupException;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * Checks how tables are distributed on Citus. A row is locked there only by a statement that names the distribution column, and every
 * statement of the library that locks or writes names the invoice.
 */
final class CitusCheck {
    private CitusCheck() {}

    /** The invoices: on one node, on every node, or distributed by their id. */
    static void distributedBy(DSLContext tx, long oid, String table, String id) {
        String column = distributionColumn(tx, DSL.val(oid));
        if (column != null && !column.equals(id)) {
            throw new SetupException("Table " + table + " is distributed by \"" + column + "\", not by \"" + id
                    + "\". On Citus a row is locked only where the distribution column is named, which is InvoiceTable.id here. "
                    + "Distribute the table by its id: select alter_distributed_table('" + table
                    + "', distribution_column => '" + id + "').");
        }
    }

    /** The journal: as it was migrated, or as {@code InvoiceLockSchema.distribute} leaves it. */
    static void journalDistributedByInvoice(DSLContext tx, String schema) {
        String table = journal(schema);
        String column = distributionColumn(tx, DSL.field("to_regclass({0})", DSL.val(table)));
        if (column != null && !column.equals("invoice_id")) {
            throw new SetupException("The journal's table " + table + " is distributed by \"" + column
                    + "\"; it must be distributed by \"invoice_id\", as InvoiceLockSchema.distribute(dataSource) does: "
                    + "select alter_distributed_table('" + table + "', distribution_column => 'invoice_id').");
        }
    }

    /** Whether the journal is Citus's already. */
    static boolean isDistributed(DSLContext tx, String schema) {
        return tx.fetchOne(
                        "select 1 from pg_dist_partition where logicalrelid = to_regclass({0})",
                        DSL.val(journal(schema)))
                != null;
    }

    private static String journal(String schema) {
        return DSL.using(SQLDialect.POSTGRES).render(name(schema, "billing_attempt"));
    }

    private static @Nullable String distributionColumn(DSLContext tx, Field<?> table) {
        Record row = tx.fetchOne(
                "select column_to_column_name(logicalrelid, partkey) from pg_dist_partition where logicalrelid = {0}::oid and partkey is not null",
                table);
        return row == null ? null : row.get(0, String.class);
    }
}
