package io.github.invoicelock.internal.words;

import io.github.invoicelock.Advice;
import io.github.invoicelock.Advice.Effect;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BulkResult;
import io.github.invoicelock.Decision;
import io.github.invoicelock.InvoiceNotMarkedException;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.words.Resolutions.Word;
import java.time.OffsetDateTime;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jooq.DSLContext;

/**
 * One word of a person's on many attempts that wait: page by page, forward only, each decided by itself on what the page had. What is closed is
 * left alone.
 */
public final class ManyAtOnce {
    private static final int PAGE = 100;

    private final Database database;
    private final Journal journal;
    private final Resolutions resolutions;
    private final Advising advising;

    ManyAtOnce(Tables tables, Resolutions resolutions, Advising advising) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.resolutions = resolutions;
        this.advising = advising;
    }

    /**
     * How far it goes.
     *
     * @param dryRun whether nothing is written
     * @param most after how many it ends, with the page that they are on
     */
    public record Extent(boolean dryRun, long most) {
        public static final Extent ALL = new Extent(false, Long.MAX_VALUE);
    }

    /** A word, and what says whether it would be taken. */
    private interface Saying {
        void say(Word word);

        void tryToSay(DSLContext tx, Word word);
    }

    /** Releases them. */
    public BulkResult retry(AttemptFilter which, String who, String note, Extent extent) {
        return onEach(which, who, note, extent, Decision.RETRY, releasing());
    }

    /** Decides what became of them. */
    public BulkResult resolve(AttemptFilter which, BillingOutcome outcome, String who, String note, Extent extent) {
        return onEach(which, who, note, extent, decision(outcome), resolving(outcome));
    }

    /** What it would lead to if one of them was released; refused as that would be. */
    public Effect tryToRetry(BillingAttempt seen, String who, String note) {
        return decide(new Word(seen.invoiceId(), seen, who, note), seen, Decision.RETRY, releasing(), true);
    }

    /** What it would lead to if that was said of one of them; refused as that would be. */
    public Effect tryToResolve(BillingAttempt seen, BillingOutcome outcome, String who, String note) {
        return decide(new Word(seen.invoiceId(), seen, who, note), seen, decision(outcome), resolving(outcome), true);
    }

    private Saying releasing() {
        return new Saying() {
            @Override
            public void say(Word word) {
                resolutions.retry(word);
            }

            @Override
            public void tryToSay(DSLContext tx, Word word) {
                resolutions.tryToRetry(tx, word);
            }
        };
    }

    private Saying resolving(BillingOutcome outcome) {
        return new Saying() {
            @Override
            public void say(Word word) {
                resolutions.resolve(word, outcome);
            }

            @Override
            public void tryToSay(DSLContext tx, Word word) {
                resolutions.tryToResolve(tx, word, outcome);
            }
        };
    }

    private static Decision decision(BillingOutcome outcome) {
        return switch (outcome.kind()) {
            case BILLED -> Decision.RESOLVE_BILLED;
            case ACCEPTED -> Decision.RESOLVE_ACCEPTED;
            case DECLINED -> Decision.RESOLVE_DECLINED;
            case NOT_BILLED -> Decision.RESOLVE_NOT_BILLED;
            case UNKNOWN -> Decision.WAIT;
        };
    }

    private BulkResult onEach(
            AttemptFilter which, String who, String note, Extent extent, Decision decision, Saying saying) {
        boolean dryRun = extent.dryRun();
        Map<Effect, Long> effects = new EnumMap<>(Effect.class);
        Map<Refusal, Long> refusals = new EnumMap<>(Refusal.class);
        // What is made meanwhile is not meant: so it ends.
        OffsetDateTime begun = database.inTransaction(journal.inquiries()::clock);
        BillingAttempt last = null;
        while (true) {
            BillingAttempt after = last;
            List<BillingAttempt> page =
                    database.inTransaction(tx -> journal.inquiries().needingAttention(tx, which, begun, after, PAGE));
            for (BillingAttempt attempt : page) {
                Word word = new Word(attempt.invoiceId(), attempt, who, note);
                try {
                    effects.merge(decide(word, attempt, decision, saying, dryRun), 1L, Long::sum);
                } catch (WordRefusedException e) {
                    refusals.merge(e.refusal(), 1L, Long::sum);
                } catch (RuntimeException e) {
                    if (!SqlStates.lockNotAvailable(e)) {
                        throw OutsideWriting.endedBy(
                                e,
                                "What was decided before it stays decided: "
                                        + new BulkResult(dryRun, effects, refusals)
                                        + ". The same call again goes on with the rest.");
                    }
                    refusals.merge(Refusal.HELD, 1L, Long::sum);
                }
            }
            BulkResult soFar = new BulkResult(dryRun, effects, refusals);
            if (page.size() < PAGE || soFar.decided() + soFar.refused() >= extent.most()) {
                return soFar;
            }
            last = page.get(page.size() - 1);
        }
    }

    private Effect decide(Word word, BillingAttempt attempt, Decision decision, Saying saying, boolean dryRun) {
        Advice advice = database.inTransaction(tx -> {
            if (dryRun) {
                saying.tryToSay(tx, word);
            }
            return advising.on(tx, attempt);
        });
        if (!dryRun) {
            try {
                saying.say(word);
            } catch (InvoiceNotMarkedException e) {
                // The journal has the word; the mark follows, and its failure is listed with its cause.
                return advice.effectOf(decision).orElse(Effect.NOTHING);
            }
        }
        return advice.effectOf(decision).orElse(Effect.NOTHING);
    }
}
