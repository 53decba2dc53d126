package io.github.invoicelock.internal.settlement;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.LogContext;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Mark;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.Outcomes;
import io.github.invoicelock.internal.judgement.BillerSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jooq.DSLContext;

/** Marks invoices whose rows the transaction holds, as the journal has them (R21), and has the host's hook do its work. */
public final class Marking {
    private static final Duration LONGEST_WAIT = Duration.ofHours(1);

    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final HostCode hostCode;

    public Marking(BillerSettings settings, Tables tables, HostCode hostCode) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.hostCode = hostCode;
    }

    /** How long what failed by an invoice's own data is left alone: the longer, the longer it has been failing. */
    public static Duration afterFailing(Duration since) {
        Duration wait = since.isNegative() ? Duration.ZERO : since.dividedBy(10);
        return wait.compareTo(LONGEST_WAIT) < 0 ? wait : LONGEST_WAIT;
    }

    /** Marks one; returns what is as it should never be. */
    public List<String> mark(DSLContext tx, BillingAttempt billed) {
        return markedAs(tx, billed, mark(tx, invoices.marks().mark(billed.invoiceId(), reference(billed))));
    }

    private record BilledAndMarked(Optional<BillingAttempt> billed, Mark mark) {}

    /**
     * Marks one in the round trip in which the journal comes to say that it is billed (R21).
     *
     * @param billed the journal's word; empty where the attempt is not as it was claimed
     * @param reference as the journal has it
     * @throws MarkedTooEarly where the journal does not say it: this transaction must not be committed
     */
    Written markWith(DSLContext tx, Request<Optional<BillingAttempt>> billed, String invoiceId, String reference) {
        BilledAndMarked both =
                mark(tx, Request.both(billed, invoices.marks().mark(invoiceId, reference), BilledAndMarked::new));
        BillingAttempt written = both.billed().orElseThrow(MarkedTooEarly::new);
        return Written.as(written, markedAs(tx, written, both.mark()));
    }

    private <T> T mark(DSLContext tx, Request<T> marking) {
        try {
            return Database.translatingErrors(() -> marking.in(tx));
        } catch (DatabaseException e) {
            throw invoices.marks().explained(e);
        }
    }

    /** The same for many; by attempt, without those that have nothing to tell. */
    public Map<Long, List<String>> markAll(DSLContext tx, List<BillingAttempt> billed) {
        Map<Long, List<String>> anomalies = new HashMap<>();
        if (billed.isEmpty()) {
            return anomalies;
        }
        Map<String, String> references = new LinkedHashMap<>();
        billed.forEach(attempt -> references.put(attempt.invoiceId(), reference(attempt)));
        Map<String, Mark> marked = invoices.marks().markAll(references).in(tx);
        for (BillingAttempt attempt : billed) {
            List<String> told = markedAs(tx, attempt, marked.getOrDefault(attempt.invoiceId(), Mark.UNCHANGED));
            if (!told.isEmpty()) {
                anomalies.put(attempt.id(), told);
            }
        }
        return anomalies;
    }

    private static String reference(BillingAttempt billed) {
        return requireNonNull(billed.reference(), "a BILLED attempt has a reference");
    }

    private List<String> markedAs(DSLContext tx, BillingAttempt billed, Mark mark) {
        callHook(tx, billed);
        return switch (mark) {
            case MARKED -> List.of();
            case STILL_PENDING ->
                anomaly(
                        tx,
                        billed,
                        "The invoice was charged and marked, but is still pending by pendingWhen; it is not charged again.");
            case UNCHANGED ->
                anomaly(
                        tx,
                        billed,
                        invoices.ids().printed(tx, billed.invoiceId()).isPresent()
                                ? "The invoice was charged, but its mark changed nothing, though its row is there: a trigger or a policy? It is not charged again."
                                : "The invoice was charged, but its row is not to be seen any more: it was deleted, or a view or a policy hides it.");
        };
    }

    private List<String> anomaly(DSLContext tx, BillingAttempt billed, String what) {
        journal.events().add(tx, billed, billed.state(), Act.ANOMALY.saying(what));
        return List.of(what);
    }

    /** R20: it may swallow an error of the database's, or end the transaction: then what was heard would be lost with it. */
    private void callHook(DSLContext tx, BillingAttempt billed) {
        if (settings.hook() == BillerSettings.NO_HOOK) {
            return;
        }
        hostCode.call("The BilledHook", LogContext.around(billed, () -> {
            settings.hook().billed(tx, billed, reference(billed));
            return true;
        }));
        try {
            if (journal.inquiries().isMarked(tx, billed)) {
                return;
            }
        } catch (RuntimeException e) {
            throw new HostCode.Fault(
                    "The BilledHook left its transaction unusable, by an error that it caught: "
                            + HostCode.described(e),
                    e);
        }
        throw new HostCode.Fault(
                "The BilledHook ended the transaction that it was given; it must neither commit nor roll back.", null);
    }

    /** Marks an invoice whose row was held, or whose mark failed, when it was charged or refused (R12). */
    public Written markLater(DueAttempt due) {
        try {
            return database.inTransaction(tx -> {
                invoices.rowLocks().lock(due.invoiceId(), RowWait.NOWAIT).in(tx);
                Optional<AttemptRow> row = journal.inquiries()
                        .lock(tx, due.invoiceId(), true)
                        .withId(due.id())
                        .filter(due::isStill);
                return row.isEmpty() ? Written.CONTENDED : markNow(tx, row.get().attempt());
            });
        } catch (LockNotAvailableException e) {
            return Written.CONTENDED;
        } catch (RuntimeException e) {
            return putOff(due, e);
        }
    }

    private Written markNow(DSLContext tx, BillingAttempt locked) {
        BillingAttempt marked = journal.outcomes().marked(tx, locked, Act.MARKED);
        if (marked.state() == AttemptState.DECLINED) {
            invoices.marks().markDeclined(tx, marked.invoiceId());
            return Written.as(marked);
        }
        return Written.as(marked, mark(tx, marked));
    }

    /** One invoice's own fault sets that one aside; anything else ends the run, and the mark is tried again in a moment. */
    private Written putOff(DueAttempt due, RuntimeException failure) {
        boolean own = Settlements.isOwnFault(failure);
        Optional<BillingAttempt> now;
        try {
            now = database.inTransaction(tx -> {
                InvoiceAttempts all = journal.inquiries().lock(tx, due.invoiceId(), false);
                Optional<AttemptRow> row = all.withId(due.id()).filter(due::isStill);
                row.ifPresent(still -> journal.outcomes()
                        .postponeMark(
                                tx,
                                still.attempt(),
                                own ? afterFailing(still.age(all.clock())) : Outcomes.MARK_AGAIN,
                                own ? HostCode.why(failure) : null));
                return journal.inquiries().attempts(tx, due.invoiceId()).stream()
                        .filter(attempt -> attempt.id() == due.id())
                        .findFirst();
            });
        } catch (RuntimeException again) {
            failure.addSuppressed(again);
            throw failure;
        }
        if (!own) {
            throw failure;
        }
        return now.filter(attempt -> attempt.cause() == AttemptCause.OWN_DATA_FAILS)
                .map(attempt -> Written.setAside(attempt, failure))
                .orElse(Written.CONTENDED);
    }
}
