package io.github.invoicelock.examples.twoservers;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RetryPolicy;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All that a host writes: its gateway, its biller, its scheduler's calls. Copy from here. */
final class HostApplication {
    private static final Logger LOG = LoggerFactory.getLogger(HostApplication.class);

    private HostApplication() {}

    /** Talks to the provider over HTTP. */
    record HttpGateway(HttpClient client, URI provider) implements BillingGateway {

        @Override
        public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
            String amount = request.invoice().get("amount", String.class); // from the snapshot, never from the table
            HttpRequest charge = HttpRequest.newBuilder(provider.resolve("/charges?invoice=" + request.invoiceId()))
                    .header("Idempotency-Key", request.idempotencyKey())
                    .timeout(request.timeout())
                    .POST(HttpRequest.BodyPublishers.ofString(amount))
                    .build();
            try {
                return outcome(client.send(charge, HttpResponse.BodyHandlers.ofString()));
            } catch (ConnectException e) {
                return BillingOutcome.notBilled("the provider refused the connection");
            }
        }

        @Override
        public boolean canBeAsked() {
            return true;
        }

        @Override
        public BillingOutcome find(BillingRequest request) throws IOException, InterruptedException {
            HttpRequest question = HttpRequest.newBuilder(provider.resolve("/charges/" + request.idempotencyKey()))
                    .timeout(request.timeout())
                    .build();
            HttpResponse<String> answer = client.send(question, HttpResponse.BodyHandlers.ofString());
            return switch (answer.statusCode()) {
                case 404 -> BillingOutcome.notBilled("never seen");
                case 429 -> BillingOutcome.unknown("rate limited"); // says nothing about the charge
                default -> outcome(answer);
            };
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(23); // the provider promises 24
        }

        private static BillingOutcome outcome(HttpResponse<String> answer) {
            return switch (answer.statusCode()) {
                case 200 ->
                    answer.body().startsWith("ch_") // and no page of a proxy's
                            ? BillingOutcome.billed(answer.body())
                            : BillingOutcome.unknown("no reference: " + answer.body());
                case 402, 410 -> BillingOutcome.declined("status_" + answer.statusCode(), answer.body());
                case 429 -> BillingOutcome.notBilled("rate limited");
                default -> BillingOutcome.unknown("status " + answer.statusCode() + ": " + answer.body());
            };
        }
    }

    static LockingInvoiceBiller biller(DataSource dataSource, BillingGateway gateway, LockStrategy strategy) {
        return LockingInvoiceBiller.builder(dataSource, gateway)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("charge"))
                .lockStrategy(strategy)
                .callTimeout(Duration.ofSeconds(5))
                .retryPolicy(attempt -> "status_410".equals(attempt.code()) // that key failed for good: take a new one
                        ? Optional.of(Duration.ZERO)
                        : RetryPolicy.every(Duration.ofSeconds(1), 5).nextTry(attempt))
                .build();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // errors are logged by each run
    static ScheduledExecutorService schedule(LockingInvoiceBiller biller) {
        ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
        scheduler.scheduleAtFixedRate(logged(biller::billPending), 0, 1, TimeUnit.DAYS);
        scheduler.scheduleWithFixedDelay(logged(biller::recover), 1, 1, TimeUnit.MINUTES);
        return scheduler;
    }

    static Runnable logged(Runnable run) {
        return () -> {
            try {
                run.run();
            } catch (Throwable e) { // an Error of the gateway too: thrown on, it would end the schedule for good
                LOG.error("The run ended with an error; the next one continues where it stopped", e);
            }
        };
    }
}
