package io.github.invoicelock.internal.host;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.CallContext;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the host carries from the thread that began a run to the threads of its calls. Whatever that throws, the call is made (R20). */
public final class Carried {
    private static final Logger LOG = LoggerFactory.getLogger("io.github.invoicelock");

    private final String biller;
    private final UnaryOperator<Runnable> around;

    private Carried(String biller, UnaryOperator<Runnable> around) {
        this.biller = biller;
        this.around = around;
    }

    /** From this thread. */
    public static Carried from(CallContext context, String biller) {
        try {
            return new Carried(biller, requireNonNull(context.capture(), "capture() returned null"));
        } catch (Throwable e) {
            missing(biller, e);
            return new Carried(biller, UnaryOperator.identity());
        }
    }

    /**
     * A call as it runs on its thread.
     *
     * @param call has no effect where it is run again
     */
    public Runnable around(Runnable call) {
        return () -> {
            try {
                around.apply(call).run();
            } catch (Throwable e) {
                missing(biller, e);
            }
            // What is carried may have failed before it came to the call, or have forgotten it.
            call.run();
        };
    }

    private static void missing(String biller, Throwable e) {
        LOG.warn(
                "biller={} the CallContext threw {}; calls are made without what it carries, and no money depends on it",
                biller,
                Notices.line(e));
    }
}
