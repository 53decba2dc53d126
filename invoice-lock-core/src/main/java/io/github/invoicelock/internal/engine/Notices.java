package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRun;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the host's listeners and the log what happened, after it was committed. */
final class Notices {
    private static final Logger LOG = LoggerFactory.getLogger("io.github.invoicelock");

    private final String biller;
    private final List<BillingListener> listeners;

    Notices(String biller, List<BillingListener> listeners) {
        this.biller = biller;
        this.listeners = listeners;
    }

    void claimed(BillingAttempt attempt) {
        LOG.debug("biller={} invoice={} claimed attempt={}", biller, attempt.invoiceId(), attempt.number());
        tell(l -> l.claimed(attempt));
    }

    void takenOver(BillingAttempt attempt) {
        LOG.debug(
                "biller={} invoice={} taken over attempt={} fence={}",
                biller,
                attempt.invoiceId(),
                attempt.number(),
                attempt.fence());
        tell(l -> l.takenOver(attempt));
    }

    void contended(String invoiceId) {
        LOG.debug("biller={} invoice={} contended", biller, invoiceId);
        tell(l -> l.contended(invoiceId));
    }

    void settled(Settled settled, BillingOutcome outcome, Duration callTime) {
        BillingAttempt attempt = settled.attempt();
        if (attempt == null) {
            return;
        }
        LOG.debug(
                "biller={} invoice={} settled attempt={} state={} dueAt={}",
                biller,
                attempt.invoiceId(),
                attempt.number(),
                attempt.state(),
                attempt.dueAt());
        tell(l -> l.settled(attempt, outcome, callTime));
        leftOrGivenUp(settled);
    }

    /** What became of an attempt for which the provider was neither called nor asked. */
    void leftOrGivenUp(Settled settled) {
        BillingAttempt attempt = settled.attempt();
        if (attempt == null) {
            return;
        }
        if (settled.parked()) {
            parked(attempt);
        }
        if (attempt.state() == AttemptState.WITHDRAWN) {
            withdrawn(attempt);
        }
    }

    private void withdrawn(BillingAttempt attempt) {
        LOG.debug("biller={} invoice={} withdrawn attempt={}", biller, attempt.invoiceId(), attempt.number());
        tell(l -> l.withdrawn(attempt));
    }

    private void parked(BillingAttempt attempt) {
        // Not its message: a provider's, or an exception's, may quote the invoice or a credential. The journal has it.
        LOG.warn(
                "biller={} invoice={} parked attempt={} state={} code={}: a person must decide, see needsAttention()",
                biller,
                attempt.invoiceId(),
                attempt.number(),
                attempt.state(),
                attempt.code());
        tell(l -> l.parked(attempt));
    }

    void anomaly(String invoiceId, String what) {
        LOG.warn("biller={} invoice={} anomaly: {}", biller, invoiceId, what);
        tell(l -> l.anomaly(invoiceId, what));
    }

    void claimTook(int invoices, long start) {
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        tell(l -> l.claimTook(invoices, time));
    }

    void settleTook(int invoices, long start) {
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        tell(l -> l.settleTook(invoices, time));
    }

    void lateAnswerLost(String invoiceId, RuntimeException e) {
        LOG.error(
                "biller={} invoice={} a late answer that it was charged could not be written; it is found out about under the same key",
                biller,
                invoiceId,
                e);
    }

    void ended(BillingRun run) {
        LOG.info("biller={} {}", biller, run);
        tell(l -> l.runEnded(run));
    }

    private void tell(Consumer<BillingListener> event) {
        for (BillingListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (Exception e) {
                LOG.warn("biller={} the BillingListener threw; no money depends on it", biller, e);
            }
        }
    }
}
