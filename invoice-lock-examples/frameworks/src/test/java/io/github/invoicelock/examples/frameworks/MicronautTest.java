package io.github.invoicelock.examples.frameworks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.LockingInvoiceBiller;
import io.micronaut.context.ApplicationContext;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A host on Micronaut. */
class MicronautTest {
    private final Shop shop = Shop.withFiveInvoices();

    MicronautTest() throws SQLException {}

    @AfterEach
    void close() {
        shop.close();
    }

    @Test
    void it_bills_when_the_context_has_started_and_is_closed_with_it() {
        LockingInvoiceBiller biller;
        try (ApplicationContext context = ApplicationContext.builder().build()) {
            context.registerSingleton(DataSource.class, shop.pool());
            context.registerSingleton(BillingGateway.class, shop.gateway());
            context.start();
            shop.awaitEachBilledOnce();
            biller = context.getBean(LockingInvoiceBiller.class);
            assertThat(Health.details(biller)).containsEntry("due", 0).containsEntry("parked", 0);
        }

        assertThatThrownBy(biller::billPending).isInstanceOf(IllegalStateException.class);
    }
}
