package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.AttemptPages;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.journal.ProviderCharges.Period;
import io.github.invoicelock.internal.journal.ProviderCharges.Unrecorded;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.jooq.DSLContext;
import org.jooq.JSONB;
import org.jspecify.annotations.Nullable;

/**
 * Compares the provider's charges with the journal, and writes back what the journal has lost. A page at a time, each in a transaction of
 * its own: the host's stream may be slow, and nothing is held while it is asked.
 */
public final class Reconciliations {
    private static final int PAGE = 5_000;
    private static final String NOTE = "charged, by the provider's list of charges";

    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Settlements settlements;
    private final OutsideWriting writing;
    private final SessionSettings byKeys;

    public Reconciliations(BillerSettings settings, Tables tables, Settlements settlements, OutsideWriting writing) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.settlements = settlements;
        this.writing = writing;
        this.byKeys = SessionSettings.momentary(settings.idleLimit(), SessionSettings.Work.MANY_ROWS);
    }

    /**
     * A list that was compared.
     *
     * @param id its number
     * @param counts how many of each kind were found
     */
    public record Compared(UUID id, Map<Reconciliation.Kind, Long> counts) {
        private long count(Reconciliation.Kind kind) {
            return counts.getOrDefault(kind, 0L);
        }

        private InvoiceLockException gone() {
            return new InvoiceLockException(
                    "The provider's list that was compared as Reconciliation" + new TreeMap<>(counts)
                            + " is gone from provider_charge: it was closed, or deleted after a week, or PostgreSQL has crashed or "
                            + "failed over, which empties that table. Get the list and reconcile again.");
        }
    }

    /** Takes the charges and judges them. */
    public Compared compare(Stream<ProviderCharge> charges, Period period) {
        if (database.distributed()) {
            throw new InvoiceLockException(
                    "Charges cannot be reconciled on Citus: they are compared by joins that span its nodes. "
                            + "Look each charge up with find(AttemptFilter.all().key(…)), and tell the journal with report.");
        }
        while (database.inTransaction(tx -> journal.charges().forgetOld(tx, PAGE))) {
            // page by page
        }
        UUID reconciliation = UUID.randomUUID();
        try {
            long taken = take(reconciliation, charges);
            deriveKeys(reconciliation);
            judge(reconciliation, period);
            return compared(reconciliation, taken);
        } catch (Throwable e) {
            forget(reconciliation, e);
            throw e;
        }
    }

    /** The table is unlogged: a crash meanwhile leaves what was taken after it, and the rest of the list would pass for all of it. */
    private Compared compared(UUID reconciliation, long taken) {
        Compared compared = new Compared(
                reconciliation, database.inTransaction(tx -> journal.charges().counts(tx, reconciliation)));
        long there =
                compared.counts().values().stream().mapToLong(Long::longValue).sum()
                        - compared.count(Reconciliation.Kind.NOT_CHARGED);
        if (there != taken) {
            throw compared.gone();
        }
        return compared;
    }

    /** How many there are. */
    private long take(UUID reconciliation, Stream<ProviderCharge> charges) {
        long taken = 0;
        List<ProviderCharge> some = new ArrayList<>(PAGE);
        for (Iterator<ProviderCharge> each = charges.iterator(); each.hasNext(); ) {
            some.add(each.next());
            if (some.size() == PAGE || !each.hasNext()) {
                taken +=
                        database.inTransaction(tx -> journal.charges().take(tx, reconciliation, some, known(tx, some)));
                some.clear();
            }
        }
        return taken;
    }

    /** The invoices that charges name, as their rows or their attempts have them. */
    private Map<String, String> known(DSLContext tx, List<ProviderCharge> some) {
        Map<String, String> asked = new LinkedHashMap<>();
        for (ProviderCharge charge : some) {
            if (charge.invoiceId() != null) {
                invoices.ids().possible(charge.invoiceId()).ifPresent(id -> asked.put(charge.invoiceId(), id));
            }
        }
        if (asked.isEmpty()) {
            return Map.of();
        }
        Map<String, String> printed = invoices.ids().printed(tx, new TreeSet<>(asked.values()));
        TreeSet<String> gone = new TreeSet<>(asked.values());
        gone.removeAll(printed.keySet());
        journal.inquiries().ofInvoices(gone).in(tx).keySet().forEach(id -> printed.put(id, id));
        Map<String, String> known = new HashMap<>();
        asked.forEach((told, id) -> {
            String there = printed.get(id);
            if (there != null) {
                known.put(told, there);
            }
        });
        return known;
    }

    /** Keys that the journal has lost belong to invoices that are pending: it would make the same again (R3). */
    private void deriveKeys(UUID reconciliation) {
        Position position = Position.START;
        while (position != null
                && database.inTransaction(tx -> journal.charges().hasUnknownKeys(tx, reconciliation))) {
            Position from = position;
            List<Candidate> pending = database.atOnce(invoices.candidates().pendingPage(from, PAGE));
            if (!pending.isEmpty()) {
                database.inTransaction(byKeys, tx -> {
                    journal.charges()
                            .deriveKeys(
                                    tx,
                                    reconciliation,
                                    pending.stream().map(Candidate::invoiceId).toList());
                    return null;
                });
            }
            position = pending.size() == PAGE
                    ? pending.get(PAGE - 1).position()
                    : invoices.candidates().nextPhase(from);
        }
    }

    private void judge(UUID reconciliation, Period period) {
        while (database.inTransaction(tx -> journal.charges().judge(tx, reconciliation, period, PAGE))) {
            // page by page
        }
        AttemptPages.Range all = database.inTransaction(tx -> journal.pages().settled(tx, period.from(), period.to()));
        Optional<Long> seen = Optional.of(all.first() - 1);
        while (seen.isPresent() && seen.get() < all.last()) {
            AttemptPages.Range rest = new AttemptPages.Range(seen.get() + 1, all.last());
            seen = database.inTransaction(
                    tx -> journal.charges().judgeRecorded(tx, reconciliation, rest, period, PAGE));
        }
    }

    /** Those of one kind, by time. */
    public Stream<Reconciliation.Finding> findings(Compared compared, Reconciliation.Kind kind) {
        return whole(
                compared,
                kind,
                (tx, last) -> journal.charges().findings(tx, compared.id(), kind, last, PagedStream.PAGE));
    }

    /** As many as were counted: a list that ends before is gone, and must not pass for nothing to do. */
    private <T> Stream<T> whole(
            Compared compared, Reconciliation.Kind kind, BiFunction<DSLContext, @Nullable T, List<T>> pageBehind) {
        long[] left = {compared.count(kind)};
        return PagedStream.of(last -> {
            List<T> page = database.inTransaction(tx -> pageBehind.apply(tx, last));
            left[0] -= page.size();
            if (page.size() < PagedStream.PAGE && left[0] > 0) {
                throw compared.gone();
            }
            return page;
        });
    }

    /** Forgets what was compared. */
    public void forget(Compared compared) {
        forget(compared.id());
    }

    private void forget(UUID reconciliation) {
        while (database.inTransaction(tx -> journal.charges().forget(tx, reconciliation, PAGE))) {
            // page by page
        }
    }

    private void forget(UUID reconciliation, Throwable failure) {
        try {
            forget(reconciliation);
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /** Tells the journal of every charge that it does not have, each in a transaction of its own. */
    public Reconciliation.WrittenBack writeBack(Compared compared, String who) {
        Writing done = new Writing();
        try {
            this.<Unrecorded>whole(
                            compared,
                            Reconciliation.Kind.NOT_RECORDED,
                            (tx, last) -> journal.charges().unrecorded(tx, compared.id(), last, PagedStream.PAGE))
                    .forEach(charge -> writeBack(charge, who, done));
        } catch (RuntimeException e) {
            throw OutsideWriting.endedBy(e, "What was written back before it stays: " + done.counts() + ".");
        }
        return done.result();
    }

    /** How far it has come. Not thread-safe. */
    private static final class Writing {
        private final List<String> failures = new ArrayList<>();
        private long charges;
        private long unmarked;
        private long held;

        private void written(Unrecorded charge, Written written) {
            charges += written.attempt() == null ? 0 : 1;
            RuntimeException failure = written.failure();
            if (failure != null) {
                unmarked++;
                failed("Invoice " + charge.invoiceId() + " is in the journal as billed, and not marked yet: "
                        + HostCode.why(failure));
            }
        }

        private void held(DatabaseException failure) {
            held++;
            failed(HostCode.why(failure));
        }

        private void failed(String why) {
            if (failures.size() < PagedStream.PAGE) {
                failures.add(why);
            }
        }

        private String counts() {
            return "charges=" + charges + ", unmarked=" + unmarked + ", held=" + held;
        }

        private Reconciliation.WrittenBack result() {
            return new Reconciliation.WrittenBack(charges, unmarked, held, failures);
        }
    }

    private void writeBack(Unrecorded charge, String who, Writing done) {
        try {
            done.written(charge, writeBack(charge, who));
        } catch (DatabaseException e) {
            if (!SqlStates.lockNotAvailable(e)) {
                throw e;
            }
            done.held(e);
        }
    }

    private Written writeBack(Unrecorded charge, String who) {
        JSONB row = row(charge);
        Written written = OutsideWriting.unlessHeld(
                charge.invoiceId(),
                "written back",
                () -> writing.write(charge.invoiceId(), true, (tx, marks) -> writeBack(tx, marks, charge, row, who)));
        if (written.attempt() != null) {
            writing.tellWord(AttemptEvent.What.RESOLVED, who, written.attempt());
            writing.tellAll(charge.invoiceId(), BillingOutcome.billed(charge.reference()), written);
        }
        return written;
    }

    /** In a transaction of its own: one that cannot be read leaves nothing to be kept, and must not keep the charge from being recorded. */
    private @Nullable JSONB row(Unrecorded charge) {
        if (!journal.firsts().keepsSome()) {
            return null;
        }
        try {
            return database.inTransaction(tx -> invoices.snapshots().now(tx, charge.invoiceId()))
                    .orElse(null);
        } catch (DatabaseException e) {
            if (!Settlements.isOwnFault(e)) {
                throw e;
            }
            return null;
        }
    }

    private Written writeBack(
            DSLContext tx, OutsideWriting.Marks marks, Unrecorded charge, @Nullable JSONB row, String who) {
        Act act = Act.by(who, AttemptEvent.What.RESOLVED, NOTE);
        BillingAttempt attempt = attempt(tx, charge, row, act);
        boolean recorded = attempt.state() == AttemptState.BILLED && settlements.names(attempt, charge.reference());
        if (recorded) {
            return Written.CONTENDED;
        }
        NextState billed = NextState.billed(charge.reference()).uncalled();
        return settlements.billWhole(tx, attempt, marks.of(billed), act);
    }

    /** R18: under the locks of all attempts. One that was lost is written anew, under the number that its key was made of. */
    private BillingAttempt attempt(DSLContext tx, Unrecorded charge, @Nullable JSONB row, Act act) {
        int number = charge.number() == null ? 1 : charge.number();
        Optional<BillingAttempt> there = attempt(journal.inquiries().lock(tx, charge.invoiceId(), false), charge);
        if (there.isPresent()) {
            return there.get();
        }
        journal.firsts().insertLost(tx, charge.invoiceId(), number, row, act);
        return attempt(journal.inquiries().lock(tx, charge.invoiceId(), false), charge)
                .orElseThrow(() -> new IllegalStateException("Written, and not there: " + charge));
    }

    private static Optional<BillingAttempt> attempt(InvoiceAttempts all, Unrecorded charge) {
        return charge.number() == null
                ? all.newest().map(AttemptRow::attempt)
                : all.rows().stream()
                        .map(AttemptRow::attempt)
                        .filter(attempt -> attempt.number() == charge.number())
                        .findFirst();
    }
}
