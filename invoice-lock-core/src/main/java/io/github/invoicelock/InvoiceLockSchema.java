package io.github.invoicelock;

import io.github.invoicelock.internal.setup.Distribution;
import io.github.invoicelock.internal.setup.Migrations;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Creates and upgrades the journal: the schema that remembers every attempt. Needs {@code flyway-core} (and
 * {@code flyway-database-postgresql}) on the class path; without Flyway, run the same SQL by hand: {@code db/invoice_lock/V1__journal.sql}
 * in this jar.
 */
public final class InvoiceLockSchema {
    /** The journal's schema, unless the host says otherwise. */
    public static final String DEFAULT_SCHEMA = "invoice_lock";

    /** Where the migrations are, for a host's own Flyway; its default schema must then be the journal's. */
    public static final String FLYWAY_LOCATION = "classpath:db/invoice_lock";

    private InvoiceLockSchema() {}

    /**
     * Creates or upgrades the journal in the schema {@value #DEFAULT_SCHEMA}. Does nothing if it is up to date. May be called by several
     * servers at once.
     *
     * @param dataSource of a role that may create it
     * @throws SetupException if the database does not fit, the journal is of a newer version, or Flyway is not on the class path
     */
    public static void migrate(DataSource dataSource) {
        migrate(dataSource, DEFAULT_SCHEMA);
    }

    /**
     * Creates or upgrades the journal in a schema of the host's choice.
     *
     * @param dataSource of a role that may create it
     * @param schema its name
     * @throws SetupException if the database does not fit, the journal is of a newer version, or Flyway is not on the class path
     */
    public static void migrate(DataSource dataSource, String schema) {
        refuseNothing(dataSource, schema, "migrate");
        try {
            Class.forName("org.flywaydb.core.Flyway", false, InvoiceLockSchema.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new SetupException(
                    "Flyway is not on the class path, so the journal \"" + schema
                            + "\" cannot be migrated. Add org.flywaydb:flyway-core and org.flywaydb:flyway-database-postgresql, or run "
                            + "db/invoice_lock/V1__journal.sql by hand.",
                    e);
        }
        Migrations.migrate(dataSource, schema, FLYWAY_LOCATION);
    }

    /**
     * On Citus, distributes the journal in the schema {@value #DEFAULT_SCHEMA} over the nodes, by invoice. Once, after {@link #migrate}
     * and while nothing bills; does nothing if it is distributed. Without Flyway, too: {@code db/invoice_lock_citus/distribute.sql} in
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
