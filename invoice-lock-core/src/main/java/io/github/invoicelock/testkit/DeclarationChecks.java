package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.require;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;

/** What the gateway declares of its provider is true, and the same on each server (R6, R7). */
final class DeclarationChecks {
    private final Bench bench;
    private final GatewayUnderTest host;

    DeclarationChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void the_same_key_twice_charges_once() {
        Assumptions.assumeTrue(
                bench.connected().idempotencyWindow().compareTo(Duration.ZERO) > 0,
                "idempotencyWindow() is zero: the provider remembers no keys.");
        BillingRequest request = bench.request(host.invoice());
        Told first = bench.bill(request, Fault.NONE).told();
        Told second = bench.bill(request, Fault.NONE).told();

        OptionalInt charges = host.countCharges(request.invoice());
        boolean counted = charges.isPresent() && charges.getAsInt() == 1;
        boolean sameCharge = first.charged() && first.reference().equals(second.reference());
        require(
                !second.declined() && (charges.isEmpty() || counted) && (sameCharge || (counted && !second.charged())),
                () -> "The same key was sent twice: first it " + first.words() + ", then it " + second.words()
                        + "; the provider counts " + (charges.isPresent() ? charges.getAsInt() : "no") + " charges.",
                second.declined()
                        ? "The charge was made, and the key is taken for refused: a new one follows and charges again (R2)."
                        : "idempotencyWindow() promises that a key sent again charges nothing more; after each crash it would (R6).",
                "Declare Duration.ZERO unless the provider remembers keys, and see that it is told them. A replayed answer is told"
                        + " like the first.");
    }

    void find_is_there_where_it_is_promised() {
        BillingGateway gateway = bench.connected();
        String name = gateway.getClass().getName();
        boolean finds = hasFind(gateway);
        require(
                finds || !gateway.canBeAsked(),
                () -> name + " says canBeAsked(), but has no find of its own.",
                "Every answer would be unknown, so build() refuses this gateway.",
                "Override find, or let canBeAsked() return false.");
    }

    private static boolean hasFind(BillingGateway gateway) {
        try {
            return gateway.getClass().getMethod("find", BillingRequest.class).getDeclaringClass()
                    != BillingGateway.class;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("A BillingGateway without a find", e);
        }
    }

    void what_is_declared_holds_still() {
        List<Duration> declared = new ArrayList<>();
        Set<Boolean> asked = new HashSet<>();
        for (int server = 0; server < 2; server++) {
            BillingGateway gateway = bench.connected();
            for (int call = 0; call < 2; call++) {
                declared.add(gateway.idempotencyWindow());
                declared.add(gateway.findLag());
                asked.add(gateway.canBeAsked());
            }
        }
        Set<Duration> windows = new HashSet<>();
        Set<Duration> lags = new HashSet<>();
        for (int i = 0; i < declared.size(); i += 2) {
            windows.add(declared.get(i));
            lags.add(declared.get(i + 1));
        }
        require(
                windows.size() == 1
                        && lags.size() == 1
                        && asked.size() == 1
                        && declared.stream().noneMatch(Duration::isNegative),
                () -> "idempotencyWindow() told " + windows + ", findLag() told " + lags + ", canBeAsked() told "
                        + asked + ".",
                "Whether a key may be sent again is decided by them, on every server alike (R6, R7).",
                "Return constants, zero or positive.");
    }
}
