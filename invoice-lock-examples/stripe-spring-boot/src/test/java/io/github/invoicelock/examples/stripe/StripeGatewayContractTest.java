package io.github.invoicelock.examples.stripe;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.examples.stripe.demo.FakeStripe;
import io.github.invoicelock.testkit.BillingGatewayContract;
import io.github.invoicelock.testkit.Refusal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;

/** What the library relies on, checked against this gateway on the wire: docs/testkit.md. */
class StripeGatewayContractTest extends BillingGatewayContract {
    private static final AtomicLong LAST_ID = new AtomicLong();

    private final FakeStripe stripe = start();

    @AfterEach
    void close() {
        stripe.close();
    }

    @Override
    protected URI provider() {
        return URI.create(stripe.apiBase());
    }

    @Override
    protected BillingGateway gateway(URI provider) {
        return new StripeGateway(
                new StripeHost().stripe(new StripeProperties("sk_test_1", provider.toString(), "whsec_test")));
    }

    @Override
    protected Record invoice() {
        return invoice("pm_card_visa");
    }

    @Override
    protected Refusal refusal() {
        return Refusal.of(() -> invoice("pm_card_visa_chargeDeclined"));
    }

    @Override
    protected OptionalInt countCharges(Record invoice) {
        return OptionalInt.of(stripe.ledger().getOrDefault(idOf(invoice), 0));
    }

    /** Stripe's client blocks in a socket. */
    @Override
    protected boolean endsWhenInterrupted() {
        return false;
    }

    @Override
    protected Duration timeout() {
        return Duration.ofMillis(500);
    }

    private static Record invoice(String paymentMethod) {
        long id = LAST_ID.incrementAndGet();
        return DSL.using(SQLDialect.POSTGRES)
                .newRecord(
                        field(name("id"), Long.class),
                        field(name("amount_cents"), Long.class),
                        field(name("currency"), String.class),
                        field(name("stripe_customer"), String.class),
                        field(name("payment_method"), String.class),
                        field(name("created_at"), OffsetDateTime.class))
                .values(
                        id,
                        1_000 + id,
                        "eur",
                        "cus_1",
                        paymentMethod,
                        OffsetDateTime.now(ZoneOffset.UTC).minusDays(1));
    }

    private static FakeStripe start() {
        try {
            return FakeStripe.start(Clock.systemUTC(), "whsec_test");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
