package io.github.invoicelock.examples.frameworks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.LockingInvoiceBiller;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.se.SeContainer;
import jakarta.enterprise.inject.se.SeContainerInitializer;
import jakarta.enterprise.inject.spi.AfterBeanDiscovery;
import jakarta.enterprise.inject.spi.Extension;
import java.sql.SQLException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A host in a CDI container (Weld). */
class JakartaTest {
    private final Shop shop = Shop.withFiveInvoices();
    private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);

    JakartaTest() throws SQLException {}

    @AfterEach
    void close() {
        scheduler.shutdownNow();
        shop.close();
    }

    @Test
    void it_bills_when_the_container_has_started_and_is_closed_with_it() {
        LockingInvoiceBiller biller;
        try (SeContainer container = SeContainerInitializer.newInstance()
                .disableDiscovery()
                .addBeanClasses(JakartaBilling.class)
                .addExtensions(new Container(shop, scheduler))
                .initialize()) {
            shop.awaitEachBilledOnce();
            biller = container.select(LockingInvoiceBiller.class).get();
            assertThat(Health.details(biller)).containsEntry("due", 0).containsEntry("parked", 0);
        }

        assertThatThrownBy(biller::billPending).isInstanceOf(IllegalStateException.class);
        assertThat(shop.pool().isClosed()).as("the container's own").isFalse();
    }

    /** What a container has: a DataSource, an executor; and the host's gateway. */
    record Container(Shop shop, ScheduledExecutorService scheduler) implements Extension {
        void beans(@Observes AfterBeanDiscovery discovered) {
            discovered.addBean().types(DataSource.class).createWith(context -> shop.pool());
            discovered.addBean().types(BillingGateway.class).createWith(context -> shop.gateway());
            discovered.addBean().types(ScheduledExecutorService.class).createWith(context -> scheduler);
        }
    }
}
