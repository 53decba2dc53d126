package io.github.invoicelock.internal.setup;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Creates and upgrades the journal with Flyway, apart from the host's own history. The only class that needs Flyway. */
public final class Migrations {
    private static final Duration IDLE = Duration.ofMinutes(1);

    private Migrations() {}

    /**
     * Migrates.
     *
     * @param dataSource the host's
     * @param schema where the journal is to be
     * @param location where the SQL is
     * @param suffix how its files end
     * @throws SetupException if the server does not fit, or the migration fails
     */
    public static void migrate(DataSource dataSource, String schema, String location, String suffix) {
        Server server = Server.ask(dataSource);
        // Made by hand, it has no history yet: that begins at the version which is there.
        int version = JournalCheck.version(
                Database.of(dataSource, server, SessionSettings.momentary(IDLE, SessionSettings.Work.PAGES)), schema);
        try {
            Flyway.configure(Migrations.class.getClassLoader())
                    .dataSource(dataSource)
                    .schemas(schema)
                    .defaultSchema(schema)
                    .createSchemas(true)
                    .table("schema_history")
                    .locations(location)
                    .sqlMigrationSuffixes(suffix)
                    .baselineOnMigrate(true)
                    .baselineVersion(String.valueOf(version))
                    // What a newer version has applied is an error, not to be ignored.
                    .ignoreMigrationPatterns(new String[0])
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            throw new SetupException("The journal \"" + schema + "\" " + reason(e), e);
        }
    }

    private static String reason(FlywayException failure) {
        if (String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("not resolved locally")) {
            return "was made by a newer invoice-lock. Upgrade the library on this server.";
        }
        String message = "could not be migrated: " + failure.getMessage();
        return switch (sqlState(failure)) {
            case "25006" ->
                message
                        + " The session is read-only: default_transaction_read_only is on for its role, its database or the DataSource, "
                        + "or the server has become a standby. Give InvoiceLockSchema.migrate a DataSource that may write.";
            case "42501" -> message + " The role needs create on the database (for the schema) or on the schema.";
            default -> message;
        };
    }

    private static String sqlState(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof SQLException error && error.getSQLState() != null) {
                return error.getSQLState();
            }
        }
        return "";
    }
}
