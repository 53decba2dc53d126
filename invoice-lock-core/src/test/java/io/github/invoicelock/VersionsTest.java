package io.github.invoicelock;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import org.junit.jupiter.api.AfterEach;

/** Everything in every strategy and scope: what {@code mvn verify} also runs on the oldest and the newest PostgreSQL. */
class VersionsTest {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @AfterEach
    void close() {
        database.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void everything_works(LockStrategy strategy, LockScope scope) throws Exception {
        EveryCall everyCall = EveryCall.with(database.dataSource());
        InvoiceLockSchema.migrate(database.directDataSource());

        everyCall.areAnswered(database.dataSource(), strategy, scope);
    }
}
