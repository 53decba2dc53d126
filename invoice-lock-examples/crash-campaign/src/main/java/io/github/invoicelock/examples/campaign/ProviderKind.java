package io.github.invoicelock.examples.campaign;

/** What the provider offers to find out about an unknown outcome. */
enum ProviderKind {
    /** Remembers idempotency keys, and the failures under them, for a while. */
    REMEMBERS(true, false),
    /** Charges each request that it gets, and can be asked what became of a key. */
    CAN_BE_ASKED(false, true),
    /** Both. */
    BOTH(true, true),
    /** Charges each request that it gets, and tells nothing afterwards. */
    NEITHER(false, false),
    /** Remembers nothing, though its gateway says so: the judge must see what comes of that. */
    LIES(true, false);

    final boolean declaresMemory;
    final boolean canBeAsked;

    ProviderKind(boolean declaresMemory, boolean canBeAsked) {
        this.declaresMemory = declaresMemory;
        this.canBeAsked = canBeAsked;
    }

    boolean remembers() {
        return declaresMemory && this != LIES;
    }
}
