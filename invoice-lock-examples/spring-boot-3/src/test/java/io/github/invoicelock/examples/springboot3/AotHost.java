package io.github.invoicelock.examples.springboot3;

import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** A host that bills once and ends: it is processed ahead of time, and started from what came of that. */
@SpringBootApplication
@Import(SmallHost.class)
public class AotHost {
    /**
     * Bills.
     *
     * @param arguments Spring's
     */
    public static void main(String[] arguments) {
        try (ConfigurableApplicationContext context = SpringApplication.run(AotHost.class, arguments)) {
            Map<String, LockingInvoiceBiller> billers = context.getBeansOfType(LockingInvoiceBiller.class);
            billers.forEach((bean, biller) ->
                    System.out.println(bean + " billed " + biller.billPending().billed()));
        }
    }

    @Bean
    InvoiceTable everything() {
        return InvoiceTable.named("invoices");
    }
}
