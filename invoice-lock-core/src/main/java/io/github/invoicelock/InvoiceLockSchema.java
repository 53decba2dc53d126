package io.github.invoicelock;

import io.github.invoicelock.internal.setup.Distribution;
import io.github.invoicelock.internal.setup.JournalCheck;
import io.github.invoicelock.internal.setup.Migrations;
import java.time.Instant;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Creates, upgrades and prunes the journal: the schema that remembers every attempt. Migrating needs {@code flyway-core} (and
 * {@code flyway-database-postgresql}) on the class path; without Flyway, run the same SQL by hand: {@code io/github/invoicelock/journal/V1__journal.psql}
 * in this jar.
 */
public final class InvoiceLockSchema {
    /** The journal's schema, unless the host says otherwise. */
    public static final String DEFAULT_SCHEMA = "invoice_lock";

    /**
     * Where the migrations are, for a host's own Flyway; its default schema must then be the journal's, and its
     * {@code sqlMigrationSuffixes} {@value #FLYWAY_SUFFIX}.
     */
    public static final String FLYWAY_LOCATION = "classpath:io/github/invoicelock/journal";

    /** How the migrations' names end: not as a Flyway that looks at the whole class path takes files by default. */
    public static final String FLYWAY_SUFFIX = ".psql";

    private InvoiceLockSchema() {}

    /**
     * Creates or upgrades the journal in the schema {@value #DEFAULT_SCHEMA}. Does nothing if it is up to date, and then needs neither
     * Flyway nor another privilege than billing does. May be called by several servers at once.
     *
     * @param dataSource of a role that may create it, if it is not up to date
     * @throws SetupException if the database does not fit, the journal is of a newer version, or Flyway is not on the class path
     */
    public static void migrate(DataSource dataSource) {
        migrate(dataSource, DEFAULT_SCHEMA);
    }

    /**
     * Creates or upgrades the journal in a schema of the host's choice, as {@link #migrate(DataSource)} does.
     *
     * @param dataSource of a role that may create it, if it is not up to date
     * @param schema its name
     * @throws SetupException if the database does not fit, the journal is of a newer version, or Flyway is not on the class path
     */
    public static void migrate(DataSource dataSource, String schema) {
        refuseNothing(dataSource, schema, "migrate");
        if (JournalCheck.isUpToDate(dataSource, schema)) {
            return;
        }
        try {
            Class.forName("org.flywaydb.core.Flyway", false, InvoiceLockSchema.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new SetupException(
                    "Flyway is not on the class path, so the journal \"" + schema
                            + "\" cannot be migrated. Add org.flywaydb:flyway-core and org.flywaydb:flyway-database-postgresql, or run "
                            + "io/github/invoicelock/journal/V1__journal.psql by hand.",
                    e);
        }
        Migrations.migrate(dataSource, schema, FLYWAY_LOCATION, FLYWAY_SUFFIX);
    }

    /**
     * On Citus, distributes the journal in the schema {@value #DEFAULT_SCHEMA} over the nodes, by invoice. Once, after {@link #migrate}
     * and while nothing bills; does nothing if it is distributed. Without Flyway, too: {@code io/github/invoicelock/citus/distribute.psql} in
     * this jar is the same.
     *
     * @param dataSource of the journal's owner, on the coordinator
     * @throws SetupException if the database has no Citus, or no journal
     * @throws DatabaseException if Citus refuses
     */
    public static void distribute(DataSource dataSource) {
        distribute(dataSource, DEFAULT_SCHEMA);
    }

    /**
     * On Citus, distributes the journal in a schema of the host's choice, as {@link #distribute(DataSource)} does.
     *
     * @param dataSource of the journal's owner, on the coordinator
     * @param schema its name
     * @throws SetupException if the database has no Citus, or no journal
     * @throws DatabaseException if Citus refuses
     */
    public static void distribute(DataSource dataSource, String schema) {
        refuseNothing(dataSource, schema, "distribute");
        Distribution.distribute(dataSource, schema);
    }

    /**
     * Deletes settled attempts from the journal, which otherwise grows by a row for each invoice: those of one biller that are BILLED or
     * WITHDRAWN, marked, and were settled before a date, together with the refused ones before them. An attempt that is open, due or waits
     * for a person stays, and so do all other attempts of its invoice.
     *
     * <p><b>What is deleted no longer protects its invoice.</b> The journal is what keeps an invoice that was charged once from being
     * charged again (R14). So nothing of an invoice is deleted that is pending, nor while another transaction holds its row, and
     * no row is set back to pending between the look and the deletion. But an invoice that the host sets back to pending
     * <em>afterwards</em> is billed anew, under its first key: from then on it is for the host to see that this never happens.
     *
     * <p>May be called at any time, by several servers at once, while others bill. Each thousand attempts are looked at in a transaction
     * of their own, which holds the rows of their invoices for moments; if one fails, what was deleted before is gone.
     *
     * @param dataSource of a role that may delete from the journal, which the one that bills need not be; {@code docs/security.md} lists
     *     the grants. It leads to the biller's database
     * @param biller whose attempts: its name, and its own word for what is pending
     * @param settledBefore at least a day ago by the database's clock; usually years
     * @return how many attempts were deleted
     * @throws SetupException if an argument is null, the date is too young, the role may not delete or does not see all invoices, the
     *     biller's table is a view, a foreign table or a partition, the database is another than the biller's, or it is Citus
     * @throws DatabaseException if the database answers with an error
     */
    public static long prune(DataSource dataSource, LockingInvoiceBiller biller, Instant settledBefore) {
        refuseNothing(dataSource, DEFAULT_SCHEMA, "prune");
        refuseNull(biller, "biller", "Give InvoiceLockSchema.prune the biller whose attempts are to be deleted.");
        refuseNull(settledBefore, "settledBefore", "Say e.g. Instant.now().minus(Duration.ofDays(730)).");
        return biller.prune(dataSource, settledBefore);
    }

    private static void refuseNull(@Nullable Object value, String setting, String remedy) {
        if (value == null) {
            throw new SetupException(setting + " is null. " + remedy);
        }
    }

    private static void refuseNothing(@Nullable DataSource dataSource, @Nullable String schema, String method) {
        if (dataSource == null) {
            throw new SetupException(
                    "dataSource is null; InvoiceLockSchema." + method + " needs the host's DataSource.");
        }
        if (schema == null || schema.isBlank()) {
            throw new SetupException("schema is " + (schema == null ? "null" : "\"" + schema + "\"")
                    + "; it must name the journal's schema, \"" + DEFAULT_SCHEMA + "\" for example.");
        }
    }
}
