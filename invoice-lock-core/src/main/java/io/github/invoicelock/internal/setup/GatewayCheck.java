package io.github.invoicelock.internal.setup;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.SetupException;

/**
 * Whether a gateway can be asked is what it says. Its class is only looked at for a slip: a promise without a {@code find} would leave every
 * invoice in doubt. A proxy has both methods, and is believed.
 */
public final class GatewayCheck {
    private GatewayCheck() {}

    /**
     * What the gateway says.
     *
     * @throws SetupException if it says yes, and its class has no {@code find}
     */
    public static boolean canBeAsked(BillingGateway gateway) {
        boolean said = gateway.canBeAsked();
        if (said && !hasFind(gateway)) {
            throw new SetupException("The BillingGateway "
                    + gateway.getClass().getName()
                    + " says canBeAsked(), but has no find of its own: every answer would be "
                    + "unknown. Override find, or let canBeAsked() return false.");
        }
        return said;
    }

    /** True where it cannot be seen: a native image keeps no names of methods. */
    private static boolean hasFind(BillingGateway gateway) {
        try {
            return gateway.getClass().getMethod("find", BillingRequest.class).getDeclaringClass()
                    != BillingGateway.class;
        } catch (NoSuchMethodException e) {
            return true;
        }
    }
}
