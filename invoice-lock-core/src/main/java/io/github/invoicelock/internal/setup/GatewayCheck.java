package io.github.invoicelock.internal.setup;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.SetupException;
import java.util.Optional;

/**
 * Whether a gateway can be asked is what it says. Its class is only looked at for a slip: a {@code find} that nobody was told of would never
 * be called, and a promise without a {@code find} would leave every invoice in doubt. A proxy has both methods, and is believed.
 */
public final class GatewayCheck {
    private GatewayCheck() {}

    /**
     * What the gateway says.
     *
     * @throws SetupException if its class has {@code find} without {@code canBeAsked}, or says yes without a {@code find}
     */
    public static boolean canBeAsked(BillingGateway gateway) {
        boolean said = gateway.canBeAsked();
        Optional<Boolean> finds = hasItsOwn(gateway, "find", BillingRequest.class);
        Optional<Boolean> says = hasItsOwn(gateway, "canBeAsked");
        if (finds.isEmpty() || says.isEmpty()) {
            return said;
        }
        String name = gateway.getClass().getName();
        if (finds.get() && !says.get()) {
            throw new SetupException(
                    "The BillingGateway " + name + " has a find of its own, but no canBeAsked(), which is false by "
                            + "default: find would never be called. Override canBeAsked() and return true; a gateway around another returns what "
                            + "that one says.");
        }
        if (said && !finds.get()) {
            throw new SetupException("The BillingGateway " + name
                    + " says canBeAsked(), but has no find of its own: every answer would be "
                    + "unknown. Override find, or let canBeAsked() return false.");
        }
        return said;
    }

    /** Empty where it cannot be seen: a native image keeps no names of methods. */
    private static Optional<Boolean> hasItsOwn(BillingGateway gateway, String method, Class<?>... parameters) {
        try {
            return Optional.of(
                    gateway.getClass().getMethod(method, parameters).getDeclaringClass() != BillingGateway.class);
        } catch (NoSuchMethodException e) {
            return Optional.empty();
        }
    }
}
