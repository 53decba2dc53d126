package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockWithdrawalsAutoConfiguration;
import io.github.invoicelock.spring.InvoiceWithdrawals;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.LazyConnectionDataSourceProxy;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/** R16: a withdrawal is committed, and rolled back, with the Spring transaction that it is called in. */
class InvoiceWithdrawalsTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestHost another = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final ApplicationContextRunner application = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    InvoiceLockAutoConfiguration.class, InvoiceLockWithdrawalsAutoConfiguration.class))
            .withUserConfiguration(Cancelling.class)
            .withBean(BillingGateway.class, () -> provider);

    @AfterEach
    void close() {
        host.close();
        another.close();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableTransactionManagement
    static class Cancelling {
        @Bean
        PlatformTransactionManager transactionManager(DataSource dataSource) {
            return new DataSourceTransactionManager(dataSource);
        }

        @Bean
        Cancellations cancellations(InvoiceWithdrawals withdrawals) {
            return new Cancellations(withdrawals);
        }
    }

    /** The host's own code. */
    static class Cancellations {
        private final InvoiceWithdrawals withdrawals;

        Cancellations(InvoiceWithdrawals withdrawals) {
            this.withdrawals = withdrawals;
        }

        @Transactional
        public Withdrawal cancel(Object invoiceId, Consumer<Withdrawal> then) {
            Withdrawal withdrawal = withdrawals.withdraw(invoiceId);
            then.accept(withdrawal);
            return withdrawal;
        }
    }

    /** What hosts put around their pool. */
    @SuppressWarnings("ImmutableEnumChecker") // functions without a state
    enum Around {
        NOTHING(pool -> pool),
        LAZY(LazyConnectionDataSourceProxy::new),
        TRANSACTION_AWARE(TransactionAwareDataSourceProxy::new);

        private final UnaryOperator<DataSource> around;

        Around(UnaryOperator<DataSource> around) {
            this.around = around;
        }
    }

    @ParameterizedTest
    @EnumSource(Around.class)
    void r16_a_rollback_takes_the_withdrawal_back_and_a_commit_keeps_it(Around around) {
        application
                .withBean(
                        DataSource.class,
                        () -> around.around.apply(host.dataSource()),
                        pool -> pool.setDestroyMethodName(""))
                .run(context -> {
                    Cancellations cancellations = context.getBean(Cancellations.class);
                    assertThatThrownBy(() -> cancellations.cancel(1, withdrawal -> {
                                assertThat(withdrawal).isEqualTo(Withdrawal.WITHDRAWN);
                                throw new IllegalStateException("the host rolls back");
                            }))
                            .hasMessage("the host rolls back");
                    assertThat(host.state(1)).isNull();

                    assertThat(cancellations.cancel(1, withdrawal -> {})).isEqualTo(Withdrawal.WITHDRAWN);
                    assertThat(host.state(1)).isEqualTo("WITHDRAWN");
                    assertThat(context.getBean(LockingInvoiceBiller.class)
                                    .billPending()
                                    .billed())
                            .isZero();
                });
    }

    @Test
    void outside_of_a_transaction_it_is_refused_and_says_what_to_do() {
        application
                .withBean(DataSource.class, host::dataSource, pool -> pool.setDestroyMethodName(""))
                .run(context -> assertThatThrownBy(
                                () -> context.getBean(InvoiceWithdrawals.class).withdraw(1))
                        .isInstanceOf(InvoiceLockException.class)
                        .hasMessageContaining("outside of a transaction")
                        .hasMessageContaining("@Transactional"));
        assertThat(host.state(1)).isNull();
    }

    @Test
    void in_the_transaction_of_another_data_source_it_is_refused() {
        application
                .withBean(
                        "another",
                        DataSource.class,
                        another::dataSource,
                        pool -> pool.setPrimary(true),
                        pool -> pool.setDestroyMethodName(""))
                .withBean("pool", DataSource.class, host::dataSource, pool -> pool.setDestroyMethodName(""))
                .withPropertyValues("invoice-lock.data-source=pool")
                .run(context -> assertThatThrownBy(
                                () -> context.getBean(Cancellations.class).cancel(1, withdrawal -> {}))
                        .isInstanceOf(InvoiceLockException.class)
                        .hasMessageContaining("takes no part in"));
        assertThat(host.state(1)).isNull();
    }
}
