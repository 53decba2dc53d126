package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.datasource.LazyConnectionDataSourceProxy;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** R13: what is called under {@code @Transactional}, and what Spring puts between the biller and its connections. */
class SpringTransactionsTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final DataSource lazy = new LazyConnectionDataSourceProxy(host.dataSource());
    private final AnnotationConfigApplicationContext spring = new AnnotationConfigApplicationContext();

    @AfterEach
    void close() {
        spring.close();
        host.close();
    }

    /** The host's own code, whose transactions Spring begins and ends. */
    static class Caller {
        @Transactional
        public void inTransaction(Runnable work) {
            work.run();
        }

        @Transactional(propagation = Propagation.NOT_SUPPORTED)
        public void outsideOfIt(Runnable work) {
            work.run();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableTransactionManagement
    static class Transactions {}

    private Caller transactionsOver(DataSource dataSource) {
        spring.registerBean(Transactions.class);
        spring.registerBean(PlatformTransactionManager.class, () -> new DataSourceTransactionManager(dataSource));
        spring.registerBean(Caller.class);
        spring.refresh();
        return spring.getBean(Caller.class);
    }

    @SuppressWarnings("ImmutableEnumChecker") // functions without a state
    enum Call {
        BILL_PENDING(LockingInvoiceBiller::billPending),
        BILL(biller -> biller.bill(1)),
        RECOVER(LockingInvoiceBiller::recover),
        RESOLVE(biller -> biller.resolve(1, BillingOutcome.billed("ch_1"), "seen in the dashboard")),
        RETRY(biller -> biller.retry(1)),
        REPORT(biller -> biller.report(biller.name(), BillingOutcome.billed("ch_1"))),
        ATTEMPTS(biller -> biller.attempts(1)),
        NEEDS_ATTENTION(LockingInvoiceBiller::needsAttention),
        STATUS(LockingInvoiceBiller::status);

        private final Consumer<LockingInvoiceBiller> made;

        Call(Consumer<LockingInvoiceBiller> made) {
            this.made = made;
        }
    }

    @ParameterizedTest
    @EnumSource(Call.class)
    void r13_every_call_is_refused_under_transactional_and_says_what_to_do(Call call) {
        DataSource aware = new TransactionAwareDataSourceProxy(host.dataSource());
        refusedUnderTransactional(transactionsOver(host.dataSource()), aware, call);
    }

    @ParameterizedTest
    @EnumSource(Call.class)
    void r13_every_call_is_refused_where_the_transaction_has_no_connection_yet(Call call) {
        refusedUnderTransactional(transactionsOver(lazy), new TransactionAwareDataSourceProxy(lazy), call);
    }

    private void refusedUnderTransactional(Caller caller, DataSource aware, Call call) {
        LockingInvoiceBiller biller = host.running(host.server(aware, provider));
        provider.answering(BillingOutcome.declined("card_declined", "no"));
        biller.bill(1);

        assertThatThrownBy(() -> caller.inTransaction(() -> call.made.accept(biller)))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("in an open transaction")
                .hasMessageContaining("Call the biller outside of your transaction (not under @Transactional)");

        assertThat(provider.requests()).as("the first one").hasSize(1);
        assertThat(host.state(1)).isEqualTo("DECLINED");
        caller.outsideOfIt(() -> biller.retry(1));
        assertThat(host.one("select due_at is not null from invoice_lock.billing_attempt"))
                .isEqualTo("t");
    }

    @Test
    void r16_withdraw_belongs_to_the_callers_transaction() {
        DataSource aware = new TransactionAwareDataSourceProxy(host.dataSource());
        LockingInvoiceBiller biller = host.running(host.server(aware, provider));
        Caller caller = transactionsOver(host.dataSource());

        assertThatThrownBy(() -> caller.inTransaction(() -> {
                    assertThat(withdrawal(biller, aware)).isEqualTo(Withdrawal.WITHDRAWN);
                    throw new IllegalStateException("the host rolls back");
                }))
                .hasMessage("the host rolls back");
        assertThat(host.state(1)).isNull();

        caller.inTransaction(() -> assertThat(withdrawal(biller, aware)).isEqualTo(Withdrawal.WITHDRAWN));
        assertThat(host.state(1)).isEqualTo("WITHDRAWN");
        assertThat(biller.billPending().billed()).isZero();
    }

    private static Withdrawal withdrawal(LockingInvoiceBiller biller, DataSource dataSource) {
        Connection bound = DataSourceUtils.getConnection(dataSource);
        try {
            return biller.withdraw(bound, 1);
        } finally {
            DataSourceUtils.releaseConnection(bound, dataSource);
        }
    }

    @Ways.InEveryScope
    void with_the_pool_itself_the_callers_transaction_is_another_and_its_rollback_undoes_no_charge(LockScope scope) {
        LockingInvoiceBiller biller = host.running(host.server(provider).lockScope(scope));
        Caller caller = transactionsOver(host.dataSource());

        assertThatThrownBy(() -> caller.inTransaction(() -> {
                    assertThat(biller.billPending().billed()).isEqualTo(1);
                    throw new IllegalStateException("the host rolls back");
                }))
                .hasMessage("the host rolls back");

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.pending(1)).isFalse();
    }
}
