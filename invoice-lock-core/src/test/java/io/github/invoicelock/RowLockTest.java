package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Which of the host's own statements wait while the provider is called. */
class RowLockTest {
    private static final String INSERT = "insert into lines values (1)";

    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();

    @BeforeEach
    void linesOfInvoices() {
        host.sql("create table lines (invoice bigint references invoices)");
    }

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategy
    void for_no_key_update_lets_child_rows_in(LockStrategy strategy) {
        provider.answering((p, request) -> {
            InBackground.of(this::insertLine).result();
            return p.charge(request);
        });

        assertThat(run(strategy, RowLock.FOR_NO_KEY_UPDATE).billed()).isEqualTo(1);

        assertThat(host.count("lines", "true")).isEqualTo(1);
    }

    @Ways.WithEveryStrategy
    void for_update_lets_child_rows_wait_for_the_call(LockStrategy strategy) {
        InBackground<?>[] insert = new InBackground<?>[1];
        provider.answering((p, request) -> {
            insert[0] = InBackground.of(this::insertLine);
            Awaitility.await().atMost(Duration.ofSeconds(9)).until(this::insertWaits);
            assertThat(insert[0].isDone()).isFalse();
            return p.charge(request);
        });

        assertThat(run(strategy, RowLock.FOR_UPDATE).billed()).isEqualTo(1);

        insert[0].result();
        assertThat(host.count("lines", "true")).isEqualTo(1);
    }

    private BillingRun run(LockStrategy strategy, RowLock lock) {
        return host.running(host.server(provider).lockStrategy(strategy).rowLock(lock))
                .billPending();
    }

    private boolean insertLine() {
        host.sql(INSERT);
        return true;
    }

    private boolean insertWaits() {
        return host.count("pg_stat_activity", "query = '" + INSERT + "' and wait_event_type = 'Lock'") == 1;
    }
}
