package io.github.invoicelock.internal.engine;

/** Named points between every two steps, at which a test kills the process, stalls it or cuts its connection. No cost when off. */
@FunctionalInterface
public interface FailPoints {
    /** The points, in the order in which an invoice passes them. */
    enum Point {
        BEFORE_CLAIM_COMMIT,
        AFTER_CLAIM_COMMIT,
        AFTER_LOCK_FOR_CALL,
        BEFORE_CALL,
        AFTER_CALL,
        BEFORE_SETTLE_COMMIT,
        AFTER_SETTLE_COMMIT,
        BEFORE_TAKE_OVER_COMMIT,
        AFTER_TAKE_OVER_COMMIT,
        BEFORE_FIND,
        AFTER_FIND,
        BEFORE_MARK_COMMIT,
        AFTER_MARK_COMMIT
    }

    /** No fail points. */
    FailPoints OFF = (point, invoiceId) -> {};

    /**
     * An invoice has come to a point.
     *
     * @param point which
     * @param invoiceId whose
     */
    void reached(Point point, String invoiceId);
}
