package io.github.invoicelock.examples.twoservers;

import io.github.invoicelock.LockStrategy;

/** The ways to bill that are played, one after the other. */
enum Way {
    NAIVE("(1) read pending, call, mark", 0, false),
    KEYS_ALONE("(2) idempotency keys alone", 7, false),
    ONE_SERVER("(3) one designated server, stopped", 0, false),
    NOWAIT("(4) invoice-lock, NOWAIT", 7, true),
    SKIP_LOCKED("(5) invoice-lock, SKIP LOCKED", 7, true),
    WAIT("(6) invoice-lock, WAIT", 7, true),
    ROW_LOCK_ALONE("(7) row lock alone, a server killed", 0, false),
    KILLED("(8) invoice-lock, a server killed", 0, true);

    private final String title;
    private final int failing;
    private final boolean cure;

    Way(String title, int failing, boolean cure) {
        this.title = title;
        this.failing = failing;
        this.cure = cure;
    }

    String title() {
        return title;
    }

    /** The invoice whose first key fails at the provider; zero for none. */
    int failing() {
        return failing;
    }

    /** Whether every invoice must be charged once. */
    boolean cure() {
        return cure;
    }

    /** Whether one server dies between a charge and its commit. */
    boolean kills() {
        return this == ROW_LOCK_ALONE || this == KILLED;
    }

    LockStrategy strategy() {
        return switch (this) {
            case SKIP_LOCKED -> LockStrategy.SKIP_LOCKED;
            case WAIT -> LockStrategy.WAIT;
            default -> LockStrategy.NOWAIT;
        };
    }
}
