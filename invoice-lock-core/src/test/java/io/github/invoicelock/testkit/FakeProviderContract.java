package io.github.invoicelock.testkit;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.junit.jupiter.api.AfterEach;

/** The contract with a fake provider, and everything that a host can say about it. */
abstract class FakeProviderContract extends BillingGatewayContract {
    /** The host's table: amounts by id. */
    static final Map<String, Long> LIVE_ROWS = new ConcurrentHashMap<>();

    private static final AtomicLong IDS = new AtomicLong();
    private static final Field<Long> ID = DSL.field(DSL.name("id"), SQLDataType.BIGINT);
    private static final Field<Long> AMOUNT = DSL.field(DSL.name("amount"), SQLDataType.BIGINT);

    protected final FakeProvider fake = new FakeProvider();

    static Record invoice(long amount) {
        long id = IDS.incrementAndGet();
        LIVE_ROWS.put(String.valueOf(id), amount);
        return DSL.using(SQLDialect.POSTGRES).newRecord(ID, AMOUNT).values(id, amount);
    }

    @Override
    protected URI provider() {
        return fake.address();
    }

    @Override
    protected Record invoice() {
        return invoice(1_000 + IDS.get());
    }

    @Override
    protected Refusal refusal() {
        return Refusal.of(() -> invoice(402));
    }

    @Override
    protected boolean changeLiveRow(Record invoice) {
        LIVE_ROWS.merge(idOf(invoice), 1L, Long::sum);
        return true;
    }

    @Override
    protected OptionalInt countCharges(Record invoice) {
        return OptionalInt.of(fake.chargesOf(idOf(invoice)));
    }

    @Override
    protected Duration timeout() {
        return Duration.ofMillis(100);
    }

    @Override
    Duration betweenServers() {
        return Duration.ZERO;
    }

    @AfterEach
    void closeTheFake() {
        fake.close();
    }
}
