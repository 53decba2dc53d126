package io.github.invoicelock;

/** What a provider offers to find out about an unknown outcome. */
enum ProviderKind {
    REMEMBERS(true, false),
    CAN_BE_ASKED(false, true),
    BOTH(true, true),
    NEITHER(false, false);

    final boolean remembers;
    final boolean canBeAsked;

    ProviderKind(boolean remembers, boolean canBeAsked) {
        this.remembers = remembers;
        this.canBeAsked = canBeAsked;
    }
}
