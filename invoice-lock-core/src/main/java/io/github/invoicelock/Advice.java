package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which decisions a person has on an attempt, and what each leads to. This depends on the attempt's state, on the cause for which it waits,
 * and on what the provider offers. Immutable.
 *
 * @param state of the attempt
 * @param cause why it waits for a person; null if it does not
 * @param provider what the provider offers for this key
 * @param choices what can be done, the most harmless first; never empty
 * @param requestsUntil until when a request under this key may be on its way to the provider; null if none can be
 */
public record Advice(
        AttemptState state,
        @Nullable AttemptCause cause,
        Provider provider,
        List<Choice> choices,
        @Nullable Instant requestsUntil) {

    /** What the provider offers. */
    public enum Provider {
        /** It remembers keys, and can be asked. */
        REMEMBERS_AND_CAN_BE_ASKED("remembers keys, can be asked"),
        /** It remembers keys. */
        REMEMBERS("remembers keys"),
        /** It can be asked. */
        CAN_BE_ASKED("can be asked"),
        /** It neither remembers keys nor can be asked. */
        NEITHER("neither");

        private final String text;

        Provider(String text) {
            this.text = text;
        }

        /**
         * Which it is.
         *
         * @param remembers whether it still remembers the key: {@link BillingGateway#idempotencyWindow()}
         * @param canBeAsked see {@link BillingGateway#canBeAsked()}
         * @return one of the four
         */
        public static Provider of(boolean remembers, boolean canBeAsked) {
            return remembers
                    ? canBeAsked ? REMEMBERS_AND_CAN_BE_ASKED : REMEMBERS
                    : canBeAsked ? CAN_BE_ASKED : NEITHER;
        }

        /**
         * Whether the same key again charges nothing more.
         *
         * @return true if it remembers keys
         */
        public boolean remembers() {
            return this == REMEMBERS_AND_CAN_BE_ASKED || this == REMEMBERS;
        }

        /**
         * Whether it can be asked what became of a key.
         *
         * @return true if it can
         */
        public boolean canBeAsked() {
            return this == REMEMBERS_AND_CAN_BE_ASKED || this == CAN_BE_ASKED;
        }

        /**
         * For a person.
         *
         * @return some words
         */
        public String text() {
            return text;
        }
    }

    /** What a decision leads to. */
    public enum Effect {
        /** The next run sends the same key. */
        SENDS_THE_SAME_KEY("sends the same key, if the invoice is pending"),
        /** The next run sends a new key. */
        SENDS_A_NEW_KEY("sends a new key, if the invoice is pending"),
        /** The next run asks, and then sends the same key where that is safe. */
        ASKS_THEN_SENDS("asks; sends the same key where that charges nothing more, if the invoice is pending"),
        /** The next run asks. */
        ASKS("asks"),
        /** The provider is asked later, at the time that the decision names. */
        ASKS_LATER("asks at the time that is named; parks where the provider cannot be asked"),
        /** The provider is asked at once, and its answer is kept. */
        SHOWS("shows what the provider says, and keeps that in the history"),
        /** The invoice's row is read again. If that works, it is sent. */
        TRIES_AGAIN("reads the invoice again; sends it if that works, else it stays aside"),
        /** The invoice's row is marked, as the journal has it. */
        MARKS("marks the row as the journal has it"),
        /** The journal says charged, and the row is marked. */
        CHARGED("the journal says charged; the row is marked, the hook called"),
        /** Nobody has to look at it any more. */
        CLOSES("closes it"),
        /** It waits for a person again. */
        PARKS_AGAIN("parks again"),
        /** The library goes on by itself. */
        NOTHING("nothing changes");

        private final String text;

        Effect(String text) {
            this.text = text;
        }

        /**
         * For a person.
         *
         * @return a clause
         */
        public String text() {
            return text;
        }
    }

    /**
     * One decision.
     *
     * @param decision what is done
     * @param effect what follows
     * @param notBefore until when it is refused, because a request may be on its way to the provider; null if it may be done now
     */
    public record Choice(
            Decision decision, Effect effect, @Nullable Instant notBefore) {
        /**
         * Checked.
         *
         * @param decision not null
         * @param effect not null
         * @param notBefore may be null
         */
        public Choice {
            requireNonNull(decision, "decision");
            requireNonNull(effect, "effect");
        }
    }

    /**
     * Copied.
     *
     * @param state not null
     * @param cause may be null
     * @param provider not null
     * @param choices not null
     * @param requestsUntil may be null
     */
    public Advice {
        requireNonNull(state, "state");
        requireNonNull(provider, "provider");
        choices = List.copyOf(choices);
    }

    /**
     * The decisions at a time when no request is on its way any more.
     *
     * @param state of the attempt
     * @param cause why it waits for a person; null if it does not
     * @param provider what it offers
     * @return the decisions
     */
    public static Advice of(AttemptState state, @Nullable AttemptCause cause, Provider provider) {
        return of(state, cause, provider, null);
    }

    /**
     * The decisions while a request may still be on its way.
     *
     * @param state of the attempt
     * @param cause why it waits for a person; null if it does not
     * @param provider what it offers
     * @param requestsUntil until when a request under its key may be on its way; null if none can be
     * @return the decisions
     */
    public static Advice of(
            AttemptState state, @Nullable AttemptCause cause, Provider provider, @Nullable Instant requestsUntil) {
        Choices choices = new Choices(cause, provider, requestsUntil);
        // The one place where this is decided. A state or a cause that is new does not compile until it is thought of.
        switch (state) {
            case STARTED -> choices.add(Decision.WAIT, Effect.NOTHING).ask();
            case ACCEPTED ->
                choices.retry(provider.canBeAsked() ? Effect.ASKS : Effect.PARKS_AGAIN)
                        .ask()
                        .ledger();
            case IN_DOUBT -> choices.retry(inDoubt(provider)).ask().ledger();
            case NOT_BILLED -> choices.retry(Effect.SENDS_THE_SAME_KEY).ask().ledger();
            case DECLINED ->
                choices.retry(Effect.SENDS_A_NEW_KEY)
                        .add(Decision.RESOLVE_BILLED, Effect.CHARGED)
                        .add(Decision.RESOLVE_DECLINED, Effect.CLOSES);
            case BILLED -> choices.billed();
            case WITHDRAWN ->
                choices.retry(Effect.SENDS_THE_SAME_KEY)
                        .add(Decision.RESOLVE_BILLED, Effect.CHARGED)
                        .add(Decision.MEND, Effect.CLOSES);
        }
        return new Advice(state, cause, provider, choices.all, requestsUntil);
    }

    private static Effect inDoubt(Provider provider) {
        return switch (provider) {
            case REMEMBERS_AND_CAN_BE_ASKED, CAN_BE_ASKED -> Effect.ASKS_THEN_SENDS;
            case REMEMBERS -> Effect.SENDS_THE_SAME_KEY;
            case NEITHER -> Effect.PARKS_AGAIN;
        };
    }

    /**
     * What one decision leads to.
     *
     * @param decision the decision
     * @return empty if this attempt does not have that decision
     */
    public Optional<Effect> effectOf(Decision decision) {
        return choices.stream()
                .filter(choice -> choice.decision() == decision)
                .map(Choice::effect)
                .findFirst();
    }

    /** Collects them, as the cause has it. */
    private static final class Choices {
        private final @Nullable AttemptCause cause;
        private final Provider provider;
        private final @Nullable Instant requestsUntil;
        private final List<Choice> all = new ArrayList<>();

        private Choices(@Nullable AttemptCause cause, Provider provider, @Nullable Instant requestsUntil) {
            this.cause = cause;
            this.provider = provider;
            this.requestsUntil = requestsUntil;
        }

        private Choices add(Decision decision, Effect effect) {
            // R7: what may charge beside a request that is still on its way.
            boolean waits = decision == Decision.RESOLVE_NOT_BILLED || effect == Effect.SENDS_A_NEW_KEY;
            all.add(new Choice(decision, effect, waits ? requestsUntil : null));
            return this;
        }

        /** What release leads to, if nothing of the cause stands against it. */
        private Choices retry(Effect effect) {
            if (cause == null) {
                return add(Decision.RETRY, effect);
            }
            return switch (cause) {
                case REFUSED, TRIES_USED_UP, MAY_NOT_BE_REPEATED, CANNOT_BE_ASKED, TAKEN_BACK_AND_PENDING ->
                    add(Decision.RETRY, effect);
                case MEMORY_OVER ->
                    add(Decision.RETRY, provider.canBeAsked() ? Effect.ASKS_THEN_SENDS : Effect.PARKS_AGAIN);
                case SNAPSHOT_DOES_NOT_FIT -> add(Decision.RETRY, Effect.PARKS_AGAIN);
                case OWN_DATA_FAILS -> {
                    Effect then = effect == Effect.SENDS_A_NEW_KEY ? Effect.MARKS : Effect.TRIES_AGAIN;
                    yield add(Decision.MEND, then).add(Decision.RETRY, then);
                }
                case PENDING_THOUGH_BILLED, SECOND_CHARGE -> this;
            };
        }

        private Choices ask() {
            return provider.canBeAsked() && cause != AttemptCause.SNAPSHOT_DOES_NOT_FIT
                    ? add(Decision.ASK, Effect.SHOWS)
                    : this;
        }

        private Choices ledger() {
            add(Decision.RESOLVE_BILLED, Effect.CHARGED).add(Decision.RESOLVE_DECLINED, Effect.CLOSES);
            return cause == AttemptCause.SNAPSHOT_DOES_NOT_FIT
                    ? this
                    : add(Decision.RESOLVE_ACCEPTED, Effect.ASKS_LATER)
                            .add(Decision.RESOLVE_NOT_BILLED, Effect.SENDS_THE_SAME_KEY);
        }

        /** R18: of what was charged nothing but that is said. */
        private void billed() {
            if (cause == null) {
                add(Decision.WAIT, Effect.NOTHING);
                return;
            }
            switch (cause) {
                case SECOND_CHARGE -> add(Decision.RESOLVE_BILLED, Effect.CLOSES);
                case OWN_DATA_FAILS -> add(Decision.MEND, Effect.MARKS).add(Decision.RETRY, Effect.MARKS);
                case PENDING_THOUGH_BILLED -> add(Decision.MEND, Effect.CLOSES);
                case REFUSED,
                        TRIES_USED_UP,
                        MAY_NOT_BE_REPEATED,
                        MEMORY_OVER,
                        CANNOT_BE_ASKED,
                        SNAPSHOT_DOES_NOT_FIT,
                        TAKEN_BACK_AND_PENDING -> add(Decision.WAIT, Effect.NOTHING);
            }
        }
    }
}
