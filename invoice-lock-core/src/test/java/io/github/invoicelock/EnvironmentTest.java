package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A copy of production's database does not bill with production's credentials by accident, nor production's servers on a copy. */
class EnvironmentTest {
    private static final String OF_PRODUCTION = ", but the journal \"invoice_lock\" is of \"production\". "
            + "Where this is the database of \"production\", say .environment(\"production\"). Where it is a copy, "
            + "see that nothing here has the provider's credentials of \"production\", then run: ";

    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void the_first_that_says_one_has_it_kept_and_whoever_says_another_or_none_is_refused() {
        host.running(host.server(provider));
        host.running(host.server(provider).environment("production"));
        host.running(host.server(provider).environment("production"));

        assertThatThrownBy(() -> host.server(provider).environment("staging").build())
                .isInstanceOf(SetupException.class)
                .hasMessage("environment is \"staging\"" + OF_PRODUCTION
                        + "update \"invoice_lock\".\"installation\" set environment = 'staging'.");
        assertThatThrownBy(() -> host.server(provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageStartingWith("environment is not set" + OF_PRODUCTION);
        assertThat(host.one("select environment from invoice_lock.installation"))
                .isEqualTo("production");
    }

    @Test
    void what_the_message_says_makes_a_copy_another_environments() {
        host.running(host.server(provider).environment("production"));

        host.sql("update \"invoice_lock\".\"installation\" set environment = 'staging'");

        assertThat(host.running(host.server(provider).environment("staging"))
                        .billPending()
                        .billed())
                .isEqualTo(1);
        assertThatThrownBy(() -> host.server(provider).environment("production").build())
                .hasMessageContaining("is of \"staging\"");
    }

    @Test
    void of_two_that_are_the_first_at_once_one_is_refused() throws SQLException {
        Connection other = host.connection();
        other.setAutoCommit(false);
        TestHost.execute(other, "update invoice_lock.installation set environment = 'production'");
        InBackground<LockingInvoiceBiller> second =
                InBackground.of(() -> host.running(host.server(provider).environment("staging")));
        org.awaitility.Awaitility.await().until(() -> host.count("pg_locks", "not granted") > 0);

        other.commit();

        assertThatThrownBy(second::result)
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("is of \"production\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  "})
    void an_empty_one_is_refused(String environment) {
        assertThatThrownBy(() -> host.server(provider).environment(environment).build())
                .isInstanceOf(SetupException.class)
                .hasMessage("environment is \"" + environment + "\"; it must not be empty. Say e.g. \"production\".");
    }
}
