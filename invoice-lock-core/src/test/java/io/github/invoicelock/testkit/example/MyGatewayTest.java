package io.github.invoicelock.testkit.example;

// tag::test[]
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.testkit.BillingGatewayContract;
import io.github.invoicelock.testkit.Refusal;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

class MyGatewayTest extends BillingGatewayContract {
    private static final AtomicLong LAST_ID = new AtomicLong(System.currentTimeMillis()); // a test mode outlives a test

    @Override
    protected URI provider() {
        return MyProvider.address(); // its test mode, or your fake of it
    }

    @Override
    protected BillingGateway gateway(URI provider) {
        return new MyGateway(provider); // as in production, but for the address
    }

    @Override
    protected Record invoice() {
        return invoice(1_990);
    }

    @Override
    protected Refusal refusal() {
        return Refusal.of(() -> invoice(402)); // an amount, or a card, that the provider refuses
    }

    @Override
    protected Duration timeout() {
        return Duration.ofMillis(500); // where the provider hangs; the default is two seconds
    }

    private static Record invoice(long cents) { // with the columns that your gateway reads
        return DSL.using(SQLDialect.POSTGRES)
                .newRecord(DSL.field("id", SQLDataType.BIGINT), DSL.field("amount", SQLDataType.BIGINT))
                .values(LAST_ID.incrementAndGet(), cents);
    }
}
// end::test[]
