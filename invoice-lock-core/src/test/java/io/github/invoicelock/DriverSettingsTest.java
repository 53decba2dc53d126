package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a host says to the driver in its URL: everything is billed, or {@code build()} names the setting. */
class DriverSettingsTest {
    private static final int INVOICES = 150;

    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();
    private final HikariDataSource pool = new HikariDataSource();

    @AfterEach
    void close() {
        pool.close();
        host.close();
    }

    static Stream<String> settings() {
        return Thorough.orOneIn(
                3,
                "DriverSettingsTest",
                List.of(
                        "defaultRowFetchSize=100",
                        "preferQueryMode=simple",
                        "preferQueryMode=extendedForPrepared",
                        "reWriteBatchedInserts=true",
                        "binaryTransfer=false",
                        "autosave=always",
                        "prepareThreshold=1&defaultRowFetchSize=7",
                        "prepareThreshold=0",
                        "adaptiveFetch=true&defaultRowFetchSize=20&maxResultBuffer=10M"))
                .stream();
    }

    @ParameterizedTest
    @MethodSource("settings")
    @Tag(Thorough.SAMPLED)
    void everything_is_billed_in_each_strategy_and_scope(String setting) {
        pool.setJdbcUrl(host.database().jdbcUrl() + "&" + setting);
        int billed = 0;
        for (LockScope scope : LockScope.values()) {
            for (LockStrategy strategy : LockStrategy.values()) {
                host.sql("insert into invoices (id) select g from generate_series(" + (billed + 1) + ", "
                        + (billed + INVOICES) + ") g");
                try (LockingInvoiceBiller biller = host.server(pool, provider)
                        .lockScope(scope)
                        .lockStrategy(strategy)
                        .concurrency(8)
                        .build()) {
                    assertThat(biller.billPending().billed())
                            .as(scope + " " + strategy)
                            .isEqualTo(INVOICES);
                }
                billed += INVOICES;
            }
        }
        assertThat(host.count("invoice_lock.billing_attempt", "state <> 'BILLED'"))
                .isZero();
        assertThat(provider.charges()).isEqualTo(billed);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Test
    void a_driver_that_describes_each_statement_by_itself_is_refused_with_the_remedy() {
        pool.setJdbcUrl(host.database().jdbcUrl() + "&prepareThreshold=-1");

        assertThatThrownBy(() -> host.server(pool, provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("prepareThreshold")
                .hasMessageContaining("-1")
                .hasMessageContaining("prepareThreshold=5");
    }
}
