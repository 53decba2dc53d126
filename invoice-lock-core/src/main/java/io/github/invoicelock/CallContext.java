package io.github.invoicelock;

import java.util.function.UnaryOperator;

/**
 * Carries what belongs to a thread, such as a trace, from the caller of a run to the threads of its calls. A call is made on another thread
 * than its run was begun on; what a gateway's HTTP client looks for there would be missing.
 *
 * <p>With {@code io.micrometer:context-propagation}:
 *
 * <pre>{@code
 * builder.callContext(() -> ContextSnapshotFactory.builder().build().captureAll()::wrap)
 * }</pre>
 *
 * <p>For Micrometer's observations there is a ready one: {@code io.github.invoicelock.micrometer.BillingObservations}. Must be thread-safe. What
 * it throws is logged, and calls are made without it: no money depends on it.
 */
@FunctionalInterface
public interface CallContext {
    /**
     * Called once for a run, on the thread that called {@link LockingInvoiceBiller#billPending()}, {@code recover}, {@code bill} or
     * {@code ask}. Should be quick.
     *
     * @return what is put around each call of that run. It is given the call, on any thread, and returns what is then run on the thread of
     *     the call: that must run the call, once, and leave the thread as it was
     */
    UnaryOperator<Runnable> capture();
}
