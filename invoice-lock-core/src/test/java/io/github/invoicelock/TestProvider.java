package io.github.invoicelock;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A payment provider and its ledger, which is the judge. Charges whatever it is asked to, unless told otherwise. */
class TestProvider implements BillingGateway {
    private final Duration window;
    private final Map<String, String> chargedKeys = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> charges = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> underWay = new ConcurrentHashMap<>();
    private final Set<String> refusedKeys = ConcurrentHashMap.newKeySet();
    private final List<BillingRequest> requests = new CopyOnWriteArrayList<>();
    private final List<String> overlaps = new CopyOnWriteArrayList<>();
    private volatile Script script = TestProvider::charge;

    /** What happens to a request. */
    @FunctionalInterface
    interface Script {
        BillingOutcome play(TestProvider provider, BillingRequest request) throws Exception;
    }

    private TestProvider(Duration window) {
        this.window = window;
    }

    /** Remembers idempotency keys for a day. */
    static TestProvider thatRemembers() {
        return new TestProvider(Duration.ofDays(1));
    }

    /** Remembers idempotency keys for so long. */
    static TestProvider thatRemembersFor(Duration window) {
        return new TestProvider(window);
    }

    /** Remembers nothing and cannot be asked. */
    static TestProvider thatOffersNothing() {
        return new TestProvider(Duration.ZERO);
    }

    /** Remembers nothing, but can be asked. */
    static Askable thatCanBeAsked() {
        return new Askable(Duration.ZERO, Duration.ZERO);
    }

    /** Remembers nothing, but can be asked, by an index that lags. */
    static Askable thatCanBeAskedWithLag(Duration lag) {
        return new Askable(Duration.ZERO, lag);
    }

    /** Remembers keys for a day and can be asked. */
    static Askable thatRemembersAndCanBeAsked() {
        return new Askable(Duration.ofDays(1), Duration.ZERO);
    }

    TestProvider answering(Script next) {
        this.script = next;
        return this;
    }

    TestProvider answering(BillingOutcome outcome) {
        return answering((provider, request) -> outcome);
    }

    @Override
    public BillingOutcome bill(BillingRequest request) throws Exception {
        requests.add(request);
        AtomicInteger now = underWay.computeIfAbsent(request.invoiceId(), id -> new AtomicInteger());
        if (now.incrementAndGet() > 1) {
            overlaps.add(request.invoiceId());
        }
        try {
            return script.play(this, request);
        } finally {
            now.decrementAndGet();
        }
    }

    @Override
    public Duration idempotencyWindow() {
        return window;
    }

    /** Moves the money, unless the key is remembered. */
    BillingOutcome charge(BillingRequest request) {
        boolean remembers = !window.isZero();
        String reference = "ch_" + request.idempotencyKey();
        if (chargedKeys.put(request.idempotencyKey(), reference) == null || !remembers) {
            charges.computeIfAbsent(request.invoiceId(), id -> new AtomicInteger())
                    .incrementAndGet();
        }
        return BillingOutcome.billed(reference);
    }

    /** Refuses a key for ever. */
    BillingOutcome refuse(BillingRequest request) {
        refusedKeys.add(request.idempotencyKey());
        return BillingOutcome.declined("card_declined", "no money");
    }

    boolean refused(BillingRequest request) {
        return refusedKeys.contains(request.idempotencyKey());
    }

    /** Forgets its keys, not its ledger. */
    void forgetKeys() {
        chargedKeys.clear();
    }

    @Nullable
    String referenceOf(String key) {
        return chargedKeys.get(key);
    }

    int chargesOf(Object invoiceId) {
        AtomicInteger count = charges.get(String.valueOf(invoiceId));
        return count == null ? 0 : count.get();
    }

    int charges() {
        return charges.values().stream().mapToInt(AtomicInteger::get).sum();
    }

    List<String> chargedTwice() {
        return charges.entrySet().stream()
                .filter(e -> e.getValue().get() > 1)
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Invoices for which two calls were under way at once. */
    List<String> overlaps() {
        return overlaps;
    }

    List<BillingRequest> requests() {
        return requests;
    }

    List<BillingRequest> requestsFor(Object invoiceId) {
        return requests.stream()
                .filter(request -> request.invoiceId().equals(String.valueOf(invoiceId)))
                .toList();
    }

    /** Can be asked what became of a key. */
    static final class Askable extends TestProvider {
        private final Duration lag;
        private final AtomicInteger asked = new AtomicInteger();
        private volatile @Nullable Function<BillingRequest, BillingOutcome> found;

        private Askable(Duration window, Duration lag) {
            super(window);
            this.lag = lag;
        }

        Askable finding(@Nullable Function<BillingRequest, BillingOutcome> answer) {
            this.found = answer;
            return this;
        }

        @Override
        public boolean canBeAsked() {
            return true;
        }

        @Override
        public BillingOutcome find(BillingRequest request) {
            asked.incrementAndGet();
            Function<BillingRequest, BillingOutcome> scripted = found;
            if (scripted != null) {
                return scripted.apply(request);
            }
            String reference = referenceOf(request.idempotencyKey());
            return reference == null ? BillingOutcome.notBilled("never seen") : BillingOutcome.billed(reference);
        }

        @Override
        public Duration findLag() {
            return lag;
        }

        int asked() {
            return asked.get();
        }
    }
}
