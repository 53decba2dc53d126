package io.github.invoicelock.internal.words;

import io.github.invoicelock.Advice;
import io.github.invoicelock.Advice.Choice;
import io.github.invoicelock.Advice.Effect;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.Decision;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** What a person can do about an attempt now: what {@link Advice} has, at this moment and beside the other attempts of the invoice (R18). */
public final class Advising {
    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final boolean canBeAsked;

    Advising(BillerSettings settings, Tables tables) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.canBeAsked = settings.providerCanBeAsked();
    }

    /** On an attempt as it was seen. */
    public Advice on(BillingAttempt attempt) {
        return database.inTransaction(tx -> on(tx, attempt));
    }

    Advice on(DSLContext tx, BillingAttempt attempt) {
        InvoiceAttempts all = journal.inquiries().look(tx, attempt.invoiceId());
        Instant clock = all.rows().isEmpty() ? journal.inquiries().clock(tx).toInstant() : all.clock();
        Advice.Provider provider =
                Advice.Provider.of(settings.repeatable(Duration.between(attempt.startedAt(), clock)), canBeAsked);
        Instant requestsUntil = all.withId(attempt.id())
                .flatMap(row -> requestsUntil(row, clock))
                .filter(until -> attempt.state() != AttemptState.BILLED
                        && (attempt.state() != AttemptState.DECLINED
                                || journal.events().closedInDoubt(tx, attempt)))
                .orElse(null);
        Advice general = Advice.of(standing(attempt, clock), attempt.cause(), provider, requestsUntil);
        return new Advice(
                attempt.state(), attempt.cause(), provider, beside(all, attempt, general.choices()), requestsUntil);
    }

    /** What was left behind in the middle of its call is in doubt once its lease is over. */
    private static AttemptState standing(BillingAttempt attempt, Instant clock) {
        Instant dueAt = attempt.dueAt();
        boolean leased = dueAt != null && clock.isBefore(dueAt);
        return attempt.state() == AttemptState.STARTED && !leased ? AttemptState.IN_DOUBT : attempt.state();
    }

    private static Optional<Instant> requestsUntil(AttemptRow row, Instant clock) {
        @Nullable Instant until = row.leaseUntil();
        return Optional.ofNullable(until).filter(clock::isBefore);
    }

    private static List<Choice> beside(InvoiceAttempts all, BillingAttempt attempt, List<Choice> choices) {
        if (attempt.state() == AttemptState.BILLED) {
            return choices;
        }
        boolean newest =
                all.newest().filter(row -> row.attempt().id() == attempt.id()).isPresent();
        if (all.billedBeside(attempt.id()).isPresent() && newest) {
            // The only word that is taken, by the reference in the journal.
            return List.of(new Choice(Decision.RESOLVE_BILLED, Effect.CLOSES, null));
        }
        return newest || all.rows().isEmpty() ? choices : List.of(new Choice(Decision.WAIT, Effect.NOTHING, null));
    }
}
