package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A table that is partitioned by state: the mark moves the row, and a rival that waits for its lock is told so by SQLSTATE 40001. */
class ContendedStatesTest {
    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();

    @BeforeEach
    void partition() {
        host.sql(
                "create table bills (id bigint, state text not null default 'open', amount numeric default 1, primary key (id, state)) partition by list (state)");
        host.sql("create table bills_open partition of bills for values in ('open')");
        host.sql("create table bills_billed partition of bills for values in ('billed')");
        host.sql("create index on bills (id) where state = 'open'");
        host.sql("insert into bills select g from generate_series(1, 30) g");
    }

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void a_row_that_a_rival_moved_while_we_waited_is_contended_and_the_run_goes_on(LockScope scope) throws Exception {
        LockingInvoiceBiller biller = host.running(builder(LockStrategy.WAIT, scope));
        Connection rival = host.connection();
        rival.setAutoCommit(false);
        TestHost.execute(rival, "update bills set state = 'billed' where id = 5");
        InBackground<BillingRun> run = InBackground.of(biller::billPending);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                        > 0);

        rival.commit();

        assertThat(run.result().billed()).isEqualTo(29);
        assertThat(run.result().contended()).isEqualTo(1);
        assertThat(provider.requestsFor(5)).isEmpty();
    }

    @Test
    void three_servers_bill_each_once() {
        for (LockStrategy strategy : LockStrategy.values()) {
            host.sql("update bills set state = 'open'; delete from invoice_lock.billing_attempt");
            List<InBackground<BillingRun>> runs =
                    Stream.generate(() -> host.running(builder(strategy, LockScope.CLAIM_ONLY)))
                            .limit(3)
                            .toList()
                            .stream()
                            .map(server -> InBackground.of(server::billPending))
                            .toList();
            assertThat(runs.stream().mapToLong(run -> run.result().billed()).sum())
                    .as(strategy.name())
                    .isEqualTo(30);
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                host.running(builder(strategy, LockScope.CLAIM_ONLY)).recover();
                return host.count("bills", "state = 'open'") == 0;
            });
        }
    }

    @Test
    void withdraw_of_a_row_that_moved_while_it_waited_is_an_answer() throws Exception {
        LockingInvoiceBiller biller = host.running(builder(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY));
        Connection rival = host.connection();
        rival.setAutoCommit(false);
        TestHost.execute(rival, "update bills set state = 'billed' where id = 5");
        Connection hosts = host.connection();
        hosts.setAutoCommit(false);
        TestHost.execute(hosts, "update bills set amount = 7 where id = 1");
        InBackground<Withdrawal> withdrawal = InBackground.of(() -> biller.withdraw(hosts, 5));
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                        > 0);

        rival.commit();

        assertThat(withdrawal.result()).isEqualTo(Withdrawal.IN_FLIGHT);
        hosts.commit();
        assertThat(host.one("select amount from bills where id = 1")).isEqualTo("7");
    }

    private LockingInvoiceBiller.Builder builder(LockStrategy strategy, LockScope scope) {
        return host.server(provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(4)
                .invoices(InvoiceTable.named("bills")
                        .id("id")
                        .pendingWhen(DSL.field("state").eq("open"))
                        .onBilledSet("state", "billed"));
    }
}
