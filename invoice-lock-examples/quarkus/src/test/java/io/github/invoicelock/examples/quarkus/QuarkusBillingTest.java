package io.github.invoicelock.examples.quarkus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.SetupException;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import jakarta.transaction.UserTransaction;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A host on Quarkus. It takes too long to start to be run before each commit. */
@Tag("thorough")
@QuarkusTest
@QuarkusTestResource(FiveInvoices.class)
class QuarkusBillingTest {
    @Inject
    LockingInvoiceBiller biller;

    @Inject
    UserTransaction transaction;

    @Test
    void it_bills_when_quarkus_has_started() {
        await().atMost(Duration.ofMinutes(1)).until(() -> biller.status().pending() == 0);

        assertThat(biller.attempts(1)).extracting(BillingAttempt::state).containsExactly(AttemptState.BILLED);
    }

    @Test
    void r13_a_run_in_a_transaction_of_jta_is_refused() throws Exception {
        transaction.begin();
        try {
            assertThatThrownBy(biller::recover)
                    .isInstanceOf(SetupException.class)
                    .hasMessageContaining("in an open transaction");
        } finally {
            transaction.rollback();
        }
    }
}
