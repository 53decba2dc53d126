package io.github.invoicelock.examples.springboot3;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** All that Spring Boot needs beside a DataSource: a gateway. */
@SpringBootApplication
public class SmallHost {
    /**
     * Stands for the provider: it charges whatever it is asked to.
     *
     * @return the gateway
     */
    @Bean
    BillingGateway gateway() {
        return request -> BillingOutcome.billed("ch_" + request.idempotencyKey());
    }
}
