package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import javax.sql.DataSource;
import org.jooq.DSLContext;

/** Distributes the journal over the nodes of Citus, in one transaction. */
public final class Distribution {
    private static final String SCRIPT = "/io/github/invoicelock/citus/distribute.psql";
    /** Another server may be at it, and what was journaled before is copied. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private Distribution() {}

    /**
     * Distributes.
     *
     * @param dataSource of the journal's owner
     * @param schema where the journal is
     * @throws SetupException if there is no Citus or no journal
     */
    public static void distribute(DataSource dataSource, String schema) {
        Server server = Server.ask(dataSource);
        if (!server.citus()) {
            throw new SetupException("The database has no extension citus, so the journal \"" + schema
                    + "\" cannot be distributed. On one server it needs no distribution: leave the call out.");
        }
        Database.of(dataSource, server, new SessionSettings(PATIENCE, PATIENCE, SessionSettings.Work.PAGES))
                .inTransaction(tx -> {
                    if (!JournalCheck.exists(tx, schema)) {
                        throw new SetupException("The journal \"" + schema
                                + "\" is not there. Call InvoiceLockSchema.migrate first, then distribute.");
                    }
                    distribute(tx, schema);
                    return null;
                });
    }

    private static void distribute(DSLContext tx, String schema) {
        if (CitusCheck.isDistributed(tx, schema)) {
            return;
        }
        // One server at a time; the others find it done.
        tx.execute("lock table {0} in access exclusive mode", name(schema, "billing_attempt"));
        if (CitusCheck.isDistributed(tx, schema)) {
            return;
        }
        tx.execute("set local search_path to {0}", name(schema));
        tx.connection(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute(script());
            }
        });
    }

    private static String script() {
        try (InputStream script = Objects.requireNonNull(Distribution.class.getResourceAsStream(SCRIPT), SCRIPT)) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
