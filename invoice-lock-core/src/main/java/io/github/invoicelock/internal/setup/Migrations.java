package io.github.invoicelock.internal.setup;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
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
     * @throws SetupException if the server does not fit, or the migration fails
     */
    public static void migrate(DataSource dataSource, String schema, String location) {
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
                    .baselineOnMigrate(true)
                    .baselineVersion(String.valueOf(version))
                    // What a newer version has applied is an error, not to be ignored.
                    .ignoreMigrationPatterns(new String[0])
                    .load()
                    .migrate();
        } catch (FlywayException e) {
            boolean newer =
                    String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("not resolved locally");
            throw new SetupException(
                    newer
                            ? "The journal \"" + schema
                                    + "\" was made by a newer invoice-lock. Upgrade the library on this server."
                            : "The journal \"" + schema + "\" could not be migrated: " + e.getMessage()
                                    + " The role needs create on the database (for the schema) or on the schema.",
                    e);
        }
    }
}
