package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Accepted;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.BillingOutcome.Declined;
import io.github.invoicelock.BillingOutcome.NotBilled;
import io.github.invoicelock.BillingOutcome.Unknown;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.host.Carried;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.LogContext;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import org.jooq.DSLContext;
import org.jooq.JSONB;
import org.jspecify.annotations.Nullable;

/** A person has the provider asked: evidence for a decision, which is kept. Nothing is sent, and no state is changed by it. */
public final class Questions {
    private static final String ASKED = "asked about";

    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final HostCode bounded;
    private final OutsideWriting writing;

    Questions(BillerSettings settings, Tables tables, OutsideWriting writing) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.bounded = HostCode.bounded(settings.name() + "-ask", settings.callTimeout());
        this.writing = writing;
    }

    /** What is asked about. */
    private record Question(
            BillingAttempt attempt,
            BillingRequest request,
            @Nullable Instant onItsWayUntil) {}

    /** Asks once what became of an invoice's newest key. */
    public BillingOutcome ask(String given, String who) {
        if (!settings.providerCanBeAsked()) {
            throw Refusals.refused(
                    Refusal.CANNOT_BE_ASKED,
                    given,
                    ASKED,
                    "the BillingGateway cannot be asked (canBeAsked() is false). Look the key up in the provider's dashboard.");
        }
        Question question = database.inTransaction(tx -> question(tx, given));
        BillingOutcome answer = careful(question, find(question));
        BillingAttempt attempt = question.attempt();
        database.inTransaction(tx -> {
            journal.events()
                    .add(tx, attempt, attempt.state(), new Act(AttemptEvent.What.ASKED, who, null, sentence(answer)));
            return attempt;
        });
        writing.tellWord(AttemptEvent.What.ASKED, who, attempt);
        return answer;
    }

    private Question question(DSLContext tx, String given) {
        Optional<String> printed = invoices.ids().printed(tx, given);
        String invoiceId = printed.orElse(given);
        InvoiceAttempts all = journal.inquiries().look(tx, invoiceId);
        AttemptRow row = all.newest()
                .orElseThrow(() -> Refusals.refused(
                        printed.isEmpty() ? Refusal.NO_SUCH_INVOICE : Refusal.NO_ATTEMPT,
                        given,
                        ASKED,
                        "the journal has no attempt of it, so there is no key to ask about."));
        BillingAttempt attempt = row.attempt();
        String kept = attempt.invoice();
        if (kept == null && printed.isEmpty()) {
            throw Refusals.refused(
                    Refusal.NO_SUCH_INVOICE,
                    given,
                    ASKED,
                    "its row is gone from " + invoices.qualifiedName()
                            + ", and what was sent is not kept any more. Look key " + attempt.idempotencyKey()
                            + " up in the provider's dashboard.");
        }
        JSONB snapshot = kept == null ? invoices.snapshots().snapshot(tx, invoiceId) : JSONB.valueOf(kept);
        Instant until = row.requestsOver(settings.findLag());
        return new Question(
                attempt,
                new BillingRequest(
                        invoiceId,
                        attempt.idempotencyKey(),
                        attempt.number(),
                        journal.inquiries().invoice(tx, snapshot),
                        settings.callTimeout()),
                all.clock().isBefore(until) ? until : null);
    }

    /** Bounded like any call, on the host's threads if it has any; whatever goes wrong is no answer (R20). */
    private BillingOutcome find(Question question) {
        Executor executor = settings.executor() == null ? Runnable::run : settings.executor();
        Carried carried = Carried.from(settings.callContext(), settings.name());
        FutureTask<BillingOutcome> find = new FutureTask<>(
                LogContext.around(question.attempt(), () -> settings.gateway().find(question.request())));
        try {
            BillingOutcome answer = bounded.call("BillingGateway.find", () -> {
                try {
                    executor.execute(carried.around(find));
                    return find.get();
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof Error error) {
                        throw error;
                    }
                    throw e.getCause() instanceof Exception thrown ? thrown : e;
                } finally {
                    find.cancel(true);
                }
            });
            return answer == null ? BillingOutcome.unknown("The gateway answered null.") : answer;
        } catch (HostCode.Fault e) {
            return BillingOutcome.unknown(HostCode.why(e));
        }
    }

    /** R7: "never seen" means nothing while a request may be on its way, or missing from a look-up that lags. */
    private static BillingOutcome careful(Question question, BillingOutcome answer) {
        return answer instanceof NotBilled never && question.onItsWayUntil() != null
                ? new NotBilled(
                        never.reason() + " But a request under this key may be on its way until "
                                + question.onItsWayUntil() + ".",
                        never.retryAfter())
                : answer;
    }

    private static String sentence(BillingOutcome answer) {
        return switch (answer.kind()) {
            case BILLED -> "The provider says: charged as " + ((Billed) answer).reference() + ".";
            case ACCEPTED -> "The provider says: accepted as " + ((Accepted) answer).reference() + ".";
            case DECLINED ->
                "The provider says: refused, " + ((Declined) answer).code() + ": " + ((Declined) answer).reason();
            case NOT_BILLED -> "The provider says: not charged: " + ((NotBilled) answer).reason();
            case UNKNOWN -> "The provider could not say: " + ((Unknown) answer).reason();
        };
    }
}
