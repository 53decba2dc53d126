package io.github.invoicelock;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Everything in every strategy and scope: what {@code mvn verify} also runs on the oldest and the newest PostgreSQL. */
class VersionsTest {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @AfterEach
    void close() {
        database.close();
    }

    @ParameterizedTest
    @MethodSource(EveryCall.STRATEGY_AND_SCOPE)
    void everything_works(LockStrategy strategy, LockScope scope) throws Exception {
        EveryCall everyCall = EveryCall.with(database.dataSource());
        InvoiceLockSchema.migrate(database.directDataSource());

        everyCall.areAnswered(database.dataSource(), strategy, scope);
    }
}
