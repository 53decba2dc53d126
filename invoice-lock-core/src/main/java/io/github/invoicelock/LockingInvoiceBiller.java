package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.engine.BillingEngine;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.InvoiceSettings;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.JournalSettings;
import io.github.invoicelock.internal.journal.ProviderCharges;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.limits.Pace;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.setup.BillerRegistry;
import io.github.invoicelock.internal.setup.Environment;
import io.github.invoicelock.internal.setup.GatewayCheck;
import io.github.invoicelock.internal.setup.IndexAdvice;
import io.github.invoicelock.internal.setup.InvoiceTableCheck;
import io.github.invoicelock.internal.setup.JournalCheck;
import io.github.invoicelock.internal.setup.PoolCheck;
import io.github.invoicelock.internal.setup.Pruning;
import io.github.invoicelock.internal.setup.SettingRanges;
import io.github.invoicelock.internal.words.ManyAtOnce;
import io.github.invoicelock.internal.words.Resolutions;
import io.github.invoicelock.internal.words.Words;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Bills each pending invoice once, from as many servers as call it, whatever crashes in between.
 *
 * <p>Build one per server and table, keep it, and call {@link #billPending()} from the server's scheduler and {@link #recover()} every
 * minute. Thread-safe; runs may overlap. Never call it inside a transaction of your own: that is refused.
 *
 * <p>How safe it is depends on what the provider offers; see {@link BillingGateway#idempotencyWindow()} and
 * {@link BillingGateway#find}.
 */
public final class LockingInvoiceBiller implements AutoCloseable {
    private final BillingEngine engine;
    private final Words words;
    private final Pruning pruning;
    private final Invoices invoices;
    private final String name;
    private final String server;

    private LockingInvoiceBiller(BillerSettings settings, Tables tables, Pruning pruning) {
        HostCode hostCode = HostCode.bounded(settings.name(), settings.hostCodeBound());
        Notices notices = new Notices(settings.name(), settings.listeners(), hostCode);
        this.engine = new BillingEngine(settings, tables, hostCode, notices);
        this.words = Words.of(settings, tables, hostCode, notices);
        this.pruning = pruning;
        this.invoices = tables.invoices();
        this.name = settings.name();
        this.server = settings.server();
        notices.built(invoices.qualifiedName(), settings.described());
    }

    /**
     * Begins a biller.
     *
     * @param dataSource the host's; connections are taken for moments, and in {@link LockScope#THROUGH_CALL} for the time of a call: the
     *     pool should then have one more than the concurrency
     * @param gateway the host's way to its provider
     * @return a builder with the defaults
     */
    public static Builder builder(DataSource dataSource, BillingGateway gateway) {
        return new Builder(dataSource, gateway);
    }

    /**
     * Bills: first what is due (left behind by a crash, or to be tried again), then fresh invoices, until none is left. Meanwhile it looks
     * every 3 seconds for what has become due. An invoice that cannot be claimed or marked by its own data is set aside, and all others are
     * billed.
     *
     * @return what was done
     * @throws BillingRunException if a database error ended the run, or too many invoices in a row were set aside; it carries the counts so far
     * @throws SetupException if called inside an open transaction
     * @throws IllegalStateException if the biller is closed
     */
    public BillingRun billPending() {
        return billPending(RunLimits.none());
    }

    /**
     * Bills within bounds: first what is due, then fresh invoices.
     *
     * @param limits bounds of this run
     * @return what was done
     * @throws BillingRunException if a database error ended the run, or too many invoices in a row were set aside; it carries the counts so far
     * @throws SetupException if called inside an open transaction
     * @throws IllegalStateException if the biller is closed
     */
    public BillingRun billPending(RunLimits limits) {
        return engine.billPending(requireNonNull(limits, "limits"));
    }

    /**
     * Bills one invoice now, if it is pending and billable, or continues its attempt.
     *
     * @param invoiceId a Long, Integer, Short, UUID or String, as the table's id column asks; it is taken as the invoice's row prints it
     * @return what was done; all zeros if there was nothing to do
     * @throws BillingRunException if a database error ended the run, or there is no such invoice
     * @throws InvoiceLockException if the id cannot be one of the table, or called inside an open transaction
     * @throws IllegalStateException if the biller is closed
     */
    public BillingRun bill(Object invoiceId) {
        return engine.bill(id(invoiceId));
    }

    /**
     * What a run of {@link #billPending(RunLimits)} would take up now: for looking at before it is let go. Writes nothing, locks nothing,
     * asks the provider nothing. Reads pages of pending invoices as a run does, so it takes as long as there are many.
     *
     * @param limits bounds of the run; of its time nothing can be said beforehand
     * @param sumsOf columns of numbers of the invoices' table, each to be summed up: the amount, for example
     * @return counts, the first ids, the sums, and PostgreSQL's plan of the search
     * @throws InvoiceLockException if there is no such column, or it holds no numbers
     * @throws DatabaseException if the database cannot be asked
     * @throws SetupException if called inside an open transaction
     */
    public BillingPreview preview(RunLimits limits, String... sumsOf) {
        return engine.preview(requireNonNull(limits, "limits"), List.of(sumsOf));
    }

    /**
     * Continues only what is due: attempts that a crash left behind, and those to be tried, asked about or marked again. Schedule it every
     * minute: between runs nobody else does it.
     *
     * @return what was done
     * @throws BillingRunException if a database error ended the run, or too many invoices in a row were set aside; it carries the counts so far
     * @throws SetupException if called inside an open transaction
     * @throws IllegalStateException if the biller is closed
     */
    public BillingRun recover() {
        return engine.recover();
    }

    /**
     * All attempts of an invoice.
     *
     * @param invoiceId as for {@link #bill}
     * @return oldest first; empty if it was never claimed
     */
    public List<BillingAttempt> attempts(Object invoiceId) {
        return words.overview().attempts(id(invoiceId));
    }

    /**
     * The attempts that wait for a person, each with its {@link BillingAttempt#cause() cause}. Besides, those that were taken back and whose
     * invoice is pending again. A refusal that {@link InvoiceTable#onDeclinedSet} marked, or that was resolved as declined, is closed and not
     * listed.
     *
     * @return oldest first; at most 10,000, and of the last 10,000 that were taken back
     */
    public List<BillingAttempt> needsAttention() {
        return words.overview().needsAttention();
    }

    /**
     * How things stand, over all servers: for dashboards and alarms. A few look-ups in indexes.
     *
     * @return counts and ages at this moment
     * @throws DatabaseException if the database cannot be asked
     * @throws SetupException if called inside an open transaction
     */
    public JournalStatus status() {
        return words.overview().status();
    }

    /**
     * What waits for a person, by what it has in common: cause, state, code and message. For looking at where many wait; one look-up in an
     * index of at most 10,000 rows.
     *
     * @return the largest group first, at most 100 of them
     * @throws DatabaseException if the database cannot be asked
     */
    public List<WaitingGroup> waiting() {
        return words.overview().waiting();
    }

    /**
     * What was charged in the last hour, minute by minute, and by which servers. Reads the hour's outcomes, at most 100,000 of them.
     *
     * @return counts at this moment
     * @throws DatabaseException if the database cannot be asked
     */
    public BillingActivity activity() {
        return words.overview().activity();
    }

    /**
     * For how long the provider remembers a key, as {@link BillingGateway#idempotencyWindow()} said when this was built.
     *
     * @return zero: it remembers none
     */
    public Duration keyMemory() {
        return words.overview().keyMemory();
    }

    /**
     * Finds attempts by what is known of them, newest first. Every filter goes by an index. With a period and no more the first page reads
     * the whole period once; with {@link AttemptState#BILLED}, or no condition at all, a page reads through the newest attempts until it is
     * full, those of other billers, too.
     *
     * @param filter which
     * @param page which page of them
     * @return at most so many; with the cause TAKEN_BACK_AND_PENDING fewer, or none, although more follow
     * @throws InvoiceLockException if the invoice's id cannot be one of the table
     * @throws IllegalArgumentException if the page's cursor is none of this method's
     * @throws DatabaseException if the database cannot be asked
     */
    public Page<BillingAttempt> find(AttemptFilter filter, PageRequest page) {
        return words.overview().find(asPrinted(filter), requireNonNull(page, "page"));
    }

    /**
     * All charges that were recorded in a period, for an export: attempts that are BILLED, by {@link BillingAttempt#settledAt()}. Read
     * 1,000 at a time while the stream is consumed, each page in a transaction of its own, so the stream needs no closing and a slow reader
     * holds nothing. A period that ended a minute ago, or longer, does not change any more.
     *
     * @param from the first moment, by the database's clock
     * @param to the end; itself not included
     * @return in the order in which they were claimed; not parallel. An invoice that was charged twice is there twice
     * @throws DatabaseException also from the stream's methods, if the database cannot be asked
     */
    public Stream<BillingAttempt> billed(Instant from, Instant to) {
        return words.overview().billed(requireNonNull(from, "from"), requireNonNull(to, "to"));
    }

    /**
     * A page of them, for people.
     *
     * @param from as above
     * @param to as above
     * @param page which page of them; a cursor is only good for the same period
     * @return in the order in which they were claimed
     * @throws IllegalArgumentException if the page's cursor is none
     * @throws DatabaseException if the database cannot be asked
     */
    public Page<BillingAttempt> billed(Instant from, Instant to, PageRequest page) {
        return words.overview()
                .billed(requireNonNull(from, "from"), requireNonNull(to, "to"), requireNonNull(page, "page"));
    }

    /**
     * Compares what the provider says it charged with the journal; after a restore above all, and as often as you like. Changes nothing:
     * {@link Reconciliation#writeBack} does. The stream is consumed here, on the caller's thread, and may be slow: nothing is held meanwhile, and
     * memory does not grow with it.
     *
     * <p>The charges are those of the period, and a little more on both ends, for the provider's clock is another. Each belongs to the attempt of
     * its key. A key that the journal has lost is found again by making the keys of all pending invoices.
     *
     * @param charges what the provider lists, without what was refunded; a reference that comes again is left out; not closed here
     * @param from the first moment of the period: what was begun from then on, and settled before its end, must be among the charges
     * @param to the end; itself not included
     * @return what was found; close it when it is done with
     * @throws InvoiceLockException on Citus
     * @throws DatabaseException if the database cannot be asked
     */
    public Reconciliation reconcile(Stream<ProviderCharge> charges, Instant from, Instant to) {
        UUID compared = words.reconciliations()
                .compare(
                        requireNonNull(charges, "charges"),
                        new ProviderCharges.Period(requireNonNull(from, "from"), requireNonNull(to, "to")));
        return new Reconciliation(
                words.reconciliations().counts(compared),
                kind -> words.reconciliations().findings(compared, kind),
                who -> words.reconciliations().writeBack(compared, who),
                () -> words.reconciliations().forget(compared));
    }

    /**
     * What it is called in the journal, the log and the metrics.
     *
     * @return as the builder was told
     */
    public String name() {
        return name;
    }

    /**
     * What happened to an invoice's attempts besides the straight way. An invoice that was claimed and charged at the first call has no
     * history: {@link #attempts} says it all.
     *
     * @param invoiceId as for {@link #bill}
     * @return in the order in which it was written; empty if there is nothing to tell
     */
    public List<AttemptEvent> history(Object invoiceId) {
        return words.overview().history(id(invoiceId));
    }

    /**
     * What a person can do about an attempt now, and what each decision leads to.
     *
     * @param attempt as it was seen
     * @return never without a choice
     * @throws InvoiceLockException if it is another biller's
     */
    public Advice advice(BillingAttempt attempt) {
        return words.decisions().advising().on(ours(attempt));
    }

    /**
     * Has the provider asked what became of the key of an invoice's newest attempt, in the name of the operating system's user and this
     * server.
     *
     * @param invoiceId as for {@link #bill}
     * @return what it said; unknown if it could not be asked
     * @throws WordRefusedException as below
     */
    public BillingOutcome ask(Object invoiceId) {
        return ask(invoiceId, someone());
    }

    /**
     * Has the provider asked what became of the key of an invoice's newest attempt: one {@link BillingGateway#find}, never a send, for at
     * most {@code callTimeout}. The answer is evidence for a person. It is kept in the {@link #history}, and changes nothing by itself.
     *
     * @param invoiceId as for {@link #bill}
     * @param who asks; kept in the history
     * @return what it said; unknown if it could not be asked just now, or not in time. While a request may be on its way, the reason of
     *     {@link BillingOutcome#notBilled} says until when
     * @throws WordRefusedException if the gateway cannot be asked, or there is no attempt
     */
    public BillingOutcome ask(Object invoiceId, String who) {
        return words.decisions().questions().ask(id(invoiceId), requireNonNull(who, "who"));
    }

    /**
     * A person decides what became of an invoice's newest attempt; in the name of the operating system's user and this server.
     *
     * @param invoiceId as for {@link #bill}
     * @param outcome as below
     * @param note how they know; kept in the journal
     * @throws WordRefusedException as below
     * @throws InvoiceNotMarkedException as below
     * @throws DatabaseException as below
     */
    public void resolve(Object invoiceId, BillingOutcome outcome, String note) {
        resolve(invoiceId, outcome, note, someone());
    }

    /**
     * A person decides what became of an invoice's newest attempt, whatever it is by now. Where they looked at it before, say
     * {@link #resolve(BillingAttempt, BillingOutcome, String, String)}.
     *
     * <p>While any attempt of the invoice is BILLED, only billed is taken. With the reference in the journal it closes what still waits: it
     * acknowledges a second charge, for example.
     *
     * @param invoiceId as for {@link #bill}
     * @param outcome billed: it is marked as such; declined: it is closed, and no longer needs attention; notBilled: it is due again
     *     under the same key; accepted: it is asked about later
     * @param note how they know; kept in the journal
     * @param who decided; kept in the journal
     * @throws WordRefusedException if there is no such invoice or attempt, it is being called right now, it is billed already, the outcome is
     *     unknown, it is notBilled for a key that was refused or while a request may be on its way, or its delay is longer than 31 days
     * @throws InvoiceNotMarkedException if the journal took it, but the invoice could not be marked
     * @throws DatabaseException if another session holds its row of the journal for too long; nothing was written then
     */
    public void resolve(Object invoiceId, BillingOutcome outcome, String note, String who) {
        words.resolutions().resolve(word(id(invoiceId), null, note, who), requireNonNull(outcome, "outcome"));
    }

    /**
     * A person decides what became of an attempt that they looked at: it is refused if that has changed since, or a newer one was made. So an
     * older word never wins over a newer one.
     *
     * @param seen as it was read
     * @param outcome as above
     * @param note how they know; kept in the journal
     * @param who decided; kept in the journal
     * @throws WordRefusedException as above; or it has changed since: then the message says what happened, and by whom
     * @throws InvoiceNotMarkedException as above
     * @throws DatabaseException as above
     */
    public void resolve(BillingAttempt seen, BillingOutcome outcome, String note, String who) {
        words.resolutions().resolve(word(ours(seen).invoiceId(), seen, note, who), requireNonNull(outcome, "outcome"));
    }

    /**
     * A person proposes what became of an attempt that they looked at, for a second one to say. It is kept in the {@link #history} as
     * {@link AttemptEvent.What#PROPOSED} and changes nothing; who asks for two people compares their names.
     *
     * @param seen as it was read
     * @param outcome what they would say
     * @param note how they know; kept in the history
     * @param who proposes; kept in the history
     * @throws WordRefusedException as {@link #resolve(BillingAttempt, BillingOutcome, String, String)} would be refused
     */
    public void propose(BillingAttempt seen, BillingOutcome outcome, String note, String who) {
        words.decisions()
                .proposals()
                .propose(
                        ours(seen),
                        requireNonNull(outcome, "outcome"),
                        requireNonNull(note, "note"),
                        requireNonNull(who, "who"));
    }

    /**
     * Releases what there is of an invoice; in the name of the operating system's user and this server.
     *
     * @param invoiceId as for {@link #bill}
     * @throws WordRefusedException as below
     */
    public void retry(Object invoiceId) {
        retry(invoiceId, "released", someone());
    }

    /**
     * Releases a parked, declined, withdrawn or set-aside attempt: it is due at once, and continued by the next run of any server. A declined
     * one is continued under a new key. One in doubt is sent again only where that is safe, else it is parked again. A withdrawn one whose
     * key was sent is sent with the same request as before. A charged or refused one whose mark was set aside is marked.
     *
     * @param invoiceId as for {@link #bill}
     * @param note why; kept in the history
     * @param who decided; kept in the history
     * @throws WordRefusedException if there is no such invoice or attempt, it is being called right now, any attempt of the invoice is
     *     billed, or the invoice is not pending
     */
    public void retry(Object invoiceId, String note, String who) {
        words.resolutions().retry(word(id(invoiceId), null, note, who));
    }

    /**
     * Releases an attempt that a person looked at: it is refused if that has changed since, or a newer one was made.
     *
     * @param seen as it was read
     * @param note why; kept in the history
     * @param who decided; kept in the history
     * @throws WordRefusedException as above; or it has changed since: then the message says what happened, and by whom
     */
    public void retry(BillingAttempt seen, String note, String who) {
        words.resolutions().retry(word(ours(seen).invoiceId(), seen, note, who));
    }

    /**
     * Releases many that wait for a person: page by page, each by itself, as {@link #retry(BillingAttempt, String, String)} does. What does
     * not wait for a person is left alone, whatever the filter says.
     *
     * @param filter which of them
     * @param note why, the name of an incident for example; kept in the history
     * @param who decided; kept in the history
     * @return how many will be sent or asked about, and how many were refused, and why
     * @throws DatabaseException if the database ended it; what was decided before stays decided
     */
    public BulkResult retryAll(AttemptFilter filter, String note, String who) {
        return retryAll(filter, note, who, ManyAtOnce.Extent.ALL);
    }

    /**
     * Decides what became of many that wait for a person: page by page, each by itself, as
     * {@link #resolve(BillingAttempt, BillingOutcome, String, String)} does.
     *
     * @param filter which of them
     * @param outcome what became of each
     * @param note how they know; kept in the journal
     * @param who decided; kept in the journal
     * @return what that leads to, and how many were refused, and why
     * @throws DatabaseException if the database ended it; what was decided before stays decided
     */
    public BulkResult resolveAll(AttemptFilter filter, BillingOutcome outcome, String note, String who) {
        return resolveAll(filter, outcome, note, who, ManyAtOnce.Extent.ALL);
    }

    /**
     * The same decisions on many, tried without writing anything.
     *
     * @return says what each would lead to, as things are
     */
    public DryRun dryRun() {
        return dryRun(Long.MAX_VALUE);
    }

    /**
     * The same, of the oldest that wait alone: where so many wait that to try all of them takes too long.
     *
     * @param most after how many it ends, or up to 99 later
     * @return says what each of these would lead to, as things are
     */
    public DryRun dryRun(long most) {
        return new DryRun(this, most);
    }

    BulkResult tryRetryAll(AttemptFilter filter, String note, String who, long most) {
        return retryAll(filter, note, who, new ManyAtOnce.Extent(true, most));
    }

    BulkResult tryResolveAll(AttemptFilter filter, BillingOutcome outcome, String note, String who, long most) {
        return resolveAll(filter, outcome, note, who, new ManyAtOnce.Extent(true, most));
    }

    Advice.Effect tryRetry(BillingAttempt seen, String note, String who) {
        return words.decisions()
                .many()
                .tryToRetry(ours(seen), requireNonNull(who, "who"), requireNonNull(note, "note"));
    }

    Advice.Effect tryResolve(BillingAttempt seen, BillingOutcome outcome, String note, String who) {
        return words.decisions()
                .many()
                .tryToResolve(
                        ours(seen),
                        requireNonNull(outcome, "outcome"),
                        requireNonNull(who, "who"),
                        requireNonNull(note, "note"));
    }

    private BulkResult retryAll(AttemptFilter filter, String note, String who, ManyAtOnce.Extent extent) {
        return words.decisions()
                .many()
                .retry(asPrinted(filter), requireNonNull(who, "who"), requireNonNull(note, "note"), extent);
    }

    private BulkResult resolveAll(
            AttemptFilter filter, BillingOutcome outcome, String note, String who, ManyAtOnce.Extent extent) {
        return words.decisions()
                .many()
                .resolve(
                        asPrinted(filter),
                        requireNonNull(outcome, "outcome"),
                        requireNonNull(who, "who"),
                        requireNonNull(note, "note"),
                        extent);
    }

    private AttemptFilter asPrinted(AttemptFilter filter) {
        Object invoiceId = requireNonNull(filter, "filter").invoice();
        return invoiceId == null ? filter : filter.invoice(words.overview().printed(id(invoiceId)));
    }

    private static Resolutions.Word word(String id, @Nullable BillingAttempt seen, String note, String who) {
        return new Resolutions.Word(id, seen, requireNonNull(who, "who"), requireNonNull(note, "note"));
    }

    private BillingAttempt ours(BillingAttempt seen) {
        if (!seen.biller().equals(name)) {
            throw new InvoiceLockException("Attempt " + seen.number() + " of invoice " + seen.invoiceId()
                    + " is of the biller \"" + seen.biller() + "\", not of \"" + name + "\". Ask that one.");
        }
        return seen;
    }

    private String someone() {
        return System.getProperty("user.name") + " on " + server;
    }

    /**
     * Takes the provider's own message to the host, a webhook's for example. May come at any time and more than once: before the call has
     * returned, too. BILLED is final; anything else is taken for an attempt that is accepted, in doubt or to be tried again, and ignored
     * while it is being called. A charge that is not the one in the journal is told as an anomaly, and kept for a person.
     *
     * <p>If the invoice cannot be marked (the hook, a trigger, a constraint), that is thrown; the outcome is in the journal, and the mark is
     * tried again.
     *
     * @param idempotencyKey as in {@link BillingRequest#idempotencyKey()}; check the message's signature before
     * @param outcome what the provider told
     * @throws InvoiceLockException if no attempt of this biller has that key
     * @throws InvoiceNotMarkedException if the journal took it, but the invoice could not be marked
     */
    public void report(String idempotencyKey, BillingOutcome outcome) {
        words.reports().report(requireNonNull(idempotencyKey, "idempotencyKey"), requireNonNull(outcome, "outcome"));
    }

    /**
     * Takes an invoice back, in the host's own transaction: if the answer is {@link Withdrawal#WITHDRAWN} and the transaction commits, it
     * will not be charged. Waits at most a second for the invoice's row.
     *
     * @param connection the host's, in a transaction; nothing is committed, rolled back or closed here, and its settings stay as they were
     * @param invoiceId as for {@link #bill}
     * @return whether it could be taken back
     * @throws InvoiceLockException if the connection is in autocommit mode, or there is no such invoice
     * @throws DatabaseException with SQLSTATE 40001, if the transaction's snapshot (REPEATABLE READ) is older than the last change of the
     *     invoice or its attempts: run the transaction again
     */
    public Withdrawal withdraw(Connection connection, Object invoiceId) {
        try {
            if (connection.getAutoCommit()) {
                throw new InvoiceLockException(
                        "withdraw got a connection in autocommit mode; it must be in the transaction in which the host takes the invoice "
                                + "back. Call connection.setAutoCommit(false) first.");
            }
        } catch (SQLException e) {
            throw new DatabaseException("The connection is not usable: " + e.getMessage(), e.getSQLState(), e);
        }
        return words.withdrawals().withdraw(Database.over(connection), id(invoiceId));
    }

    /**
     * Stops billing, on all servers, until {@link #resume}: whatever they run, nothing is claimed and nothing is sent. Each server obeys with
     * its next claim. What can charge nothing goes on: {@code find}, marks, {@link #report}, {@link #resolve}, {@link #withdraw}. Calls in
     * flight finish, and are settled. Runs end with {@link StopReason#PAUSED}.
     *
     * <p>A claim that had looked just before this returned may still be sent, within half of the {@link Builder#leaseMargin lease's margin};
     * one that asks first, after its {@code find}. No later.
     *
     * <p>Without Java: {@code select invoice_lock.pause('invoices', 'ann', 'wrong amounts')}. A biller that is paused already gets the new
     * words, and is resumed once.
     *
     * @param who pauses it, for others to ask; kept in the journal, and logged on every server
     * @param why in a few words; kept and logged, too
     * @throws InvoiceLockException if either is blank
     * @throws DatabaseException if the database cannot be asked: then nothing is paused
     */
    public void pause(String who, String why) {
        words.pauses().pause(requireNonNull(who, "who"), requireNonNull(why, "why"));
    }

    /**
     * Lets billing go on, on all servers, with their next runs. No effect if it is not paused.
     *
     * <p>Without Java: {@code select invoice_lock.resume('invoices', 'ann')}.
     *
     * @param who resumes it; kept in the journal, and logged on every server
     * @throws InvoiceLockException if it is blank
     * @throws DatabaseException if the database cannot be asked: then nothing has changed
     */
    public void resume(String who) {
        words.pauses().resume(requireNonNull(who, "who"));
    }

    /**
     * Stops claiming, waits for calls in flight, and gives back what is claimed and not called. Runs that are under way return with
     * {@link StopReason#CLOSED}. Idempotent; may be called from a shutdown hook. Waits as long as a call may take, and the lease's margin
     * for late answers of calls that were cut off, not for ever.
     */
    @Override
    public void close() {
        engine.close();
    }

    long prune(DataSource ofARoleThatMay, Instant settledBefore) {
        return pruning.prune(ofARoleThatMay, settledBefore);
    }

    private String id(Object invoiceId) {
        return invoices.ids().idOf(requireNonNull(invoiceId, "invoiceId"));
    }

    /** Settings of a biller. Not thread-safe. What is wrong is said by {@link #build()}. */
    public static final class Builder {
        private static final Duration SET_UP_IDLE = Duration.ofMinutes(1);

        private final @Nullable DataSource dataSource;
        private final @Nullable BillingGateway gateway;
        private @Nullable InvoiceTable invoices = InvoiceTable.named("invoices");
        private @Nullable String name = "invoices";
        private @Nullable LockStrategy lockStrategy = LockStrategy.NOWAIT;
        private @Nullable LockScope lockScope = LockScope.THROUGH_CALL;
        private @Nullable RowLock rowLock = RowLock.FOR_UPDATE;
        private int concurrency = 1;
        private double maxCallsPerSecond = Double.POSITIVE_INFINITY;
        private double fleetCallsPerSecond = Double.POSITIVE_INFINITY;
        private @Nullable Duration callTimeout = Duration.ofSeconds(30);
        private @Nullable Duration leaseMargin = Duration.ofSeconds(10);
        private @Nullable Duration waitTimeout = Duration.ofSeconds(5);
        private int stopAfterFailures = 20;
        private boolean keepSnapshots;
        private @Nullable RetryPolicy retryPolicy = RetryPolicy.standard();
        private @Nullable BilledHook onBilled = BillerSettings.NO_HOOK;
        private final List<@Nullable BillingListener> listeners = new ArrayList<>();
        private @Nullable Executor executor;
        private @Nullable CallContext callContext;
        private @Nullable String journalSchema = InvoiceLockSchema.DEFAULT_SCHEMA;
        private @Nullable String environment;
        private Pace.Time time = Pace.Time.OF_THE_MACHINE;

        private Builder(@Nullable DataSource dataSource, @Nullable BillingGateway gateway) {
            this.dataSource = dataSource;
            this.gateway = gateway;
        }

        /**
         * The host's table. {@code InvoiceTable.named("invoices")} by default.
         *
         * @param table what to bill
         * @return this
         */
        public Builder invoices(InvoiceTable table) {
            this.invoices = table;
            return this;
        }

        /**
         * The biller's name: part of every key and row of the journal, the same on every server, one for each table. {@code invoices} by
         * default. Changing it makes every invoice look as if it had never been claimed.
         *
         * @param name without control characters
         * @return this
         */
        public Builder name(String name) {
            this.name = name;
            return this;
        }

        /**
         * How rows are locked. {@link LockStrategy#NOWAIT} by default.
         *
         * @param strategy the strategy
         * @return this
         */
        public Builder lockStrategy(LockStrategy strategy) {
            this.lockStrategy = strategy;
            return this;
        }

        /**
         * What holds an invoice while the provider is called. {@link LockScope#THROUGH_CALL} by default. Stop all servers before changing
         * it: a row that is not locked is no sign of life to those in THROUGH_CALL.
         *
         * @param scope the scope
         * @return this
         */
        public Builder lockScope(LockScope scope) {
            this.lockScope = scope;
            return this;
        }

        /**
         * Which row lock is taken. {@link RowLock#FOR_UPDATE} by default.
         *
         * @param lock the lock
         * @return this
         */
        public Builder rowLock(RowLock lock) {
            this.rowLock = lock;
            return this;
        }

        /**
         * How many calls this biller makes at once, over all its runs. 1 by default. In {@link LockScope#THROUGH_CALL} each takes a
         * connection.
         *
         * @param calls 1 to 10,000
         * @return this
         */
        public Builder concurrency(int calls) {
            this.concurrency = calls;
            return this;
        }

        /**
         * How often this biller calls the gateway, at most, on average and over all its runs: a bound of this server's own. For a
         * provider's limit take {@link #fleetCallsPerSecond}. Up to a tenth of a second's worth may leave together. No bound by default. The
         * wait comes before the claim, so an invoice that waits is nobody's yet.
         *
         * @param calls at least 0.001
         * @return this
         */
        public Builder maxCallsPerSecond(double calls) {
            this.maxCallsPerSecond = calls;
            return this;
        }

        /**
         * How often all servers together call the gateway, at most: a provider's limit, however many servers run, come and die. A server that
         * is alone may use all of it. Say the same on each server. Moments for calls are reserved in the journal, by the database's clock, a
         * tenth of a second's worth at a time; what a killed server had reserved passes by within about a second. Calls may leave up to 50 ms
         * behind their moment, so take some percent less than what the provider punishes. No bound by default. The wait comes before the
         * claim, so an invoice that waits is nobody's yet.
         *
         * @param calls at least 0.001
         * @return this
         */
        public Builder fleetCallsPerSecond(double calls) {
            this.fleetCallsPerSecond = calls;
            return this;
        }

        /**
         * Bounds one call of the gateway, and of a hook, a listener or a policy. 30 s by default.
         *
         * @param timeout a millisecond to a day; twice this and the margin must fit into {@link BillingGateway#idempotencyWindow()}, or
         *     nothing is ever repeated: {@link #build()} refuses that if the gateway cannot be asked either
         * @return this
         */
        public Builder callTimeout(Duration timeout) {
            this.callTimeout = timeout;
            return this;
        }

        /**
         * How much longer than its calls a claim is believed. 10 s by default. Half of it is for a call that leaves late: one that has not
         * left by then, for lack of a thread or a connection, is not sent but given back. The other half is for a request that arrives after
         * its sender gave up.
         *
         * @param margin a millisecond to a day
         * @return this
         */
        public Builder leaseMargin(Duration margin) {
            this.leaseMargin = margin;
            return this;
        }

        /**
         * How long {@link LockStrategy#WAIT} waits for one row. 5 s by default. It is no part of the lease, which begins with the row's lock.
         *
         * @param patience a millisecond to a day
         * @return this
         */
        public Builder waitTimeout(Duration patience) {
            this.waitTimeout = patience;
            return this;
        }

        /**
         * After how many failed calls one after the other a run stops, rather than leaving more in doubt, and holds all servers back: they
         * try one call at a time until one succeeds ({@link BillingBrake}). 20 by default. So many invoices
         * in a row that are set aside end a run, too, with their error: that is not one invoice's fault.
         *
         * @param failures 1 to 1,000,000
         * @return this
         */
        public Builder stopAfterFailures(int failures) {
            this.stopAfterFailures = failures;
            return this;
        }

        /**
         * Keeps the snapshots of settled attempts in the journal. They hold what the invoice's row held: personal data, perhaps. By default
         * one is dropped once no request is made from it any more.
         *
         * @return this
         */
        public Builder keepSnapshots() {
            this.keepSnapshots = true;
            return this;
        }

        /**
         * When attempts are tried again. {@link RetryPolicy#standard()} by default.
         *
         * @param policy the policy
         * @return this
         */
        public Builder retryPolicy(RetryPolicy policy) {
            this.retryPolicy = policy;
            return this;
        }

        /**
         * The host's own work in the transaction that marks an invoice as billed. None by default.
         *
         * @param hook the work
         * @return this
         */
        public Builder onBilled(BilledHook hook) {
            this.onBilled = hook;
            return this;
        }

        /**
         * Is told what happens. None by default. May be called for several: each is told, in this order, whatever another throws.
         *
         * @param listener the listener
         * @return this
         */
        public Builder listener(BillingListener listener) {
            this.listeners.add(listener);
            return this;
        }

        /**
         * Makes the gateway's calls. By default virtual threads where the JDK has them (21 and newer), else threads of the library's own.
         * Each call is a task of its own, and nothing else runs on the host's threads. The executor may block, refuse, or make the call
         * itself: it is asked on a thread of the library's own. A call that has not begun in time is not made.
         *
         * @param executor the host's; not shut down here
         * @return this
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /**
         * Carries what belongs to the thread that begins a run, a trace for example, to the threads of its calls. Nothing by default.
         *
         * @param context what is carried; for Micrometer there is a ready one, {@code BillingObservations}
         * @return this
         */
        public Builder callContext(CallContext context) {
            this.callContext = context;
            return this;
        }

        /**
         * Where the journal is. {@code invoice_lock} by default.
         *
         * @param schema its name
         * @return this
         */
        public Builder journalSchema(String schema) {
            this.journalSchema = schema;
            return this;
        }

        /**
         * Which environment this is, {@code "production"} for example. None by default. The first biller that says one has it kept in the
         * journal; from then on {@link #build()} refuses whoever says another one, or none. So a copy of production's database cannot bill
         * with production's credentials by accident: the copy says production, its servers say something else.
         *
         * @param environment compared letter by letter
         * @return this
         */
        public Builder environment(String environment) {
            this.environment = environment;
            return this;
        }

        Builder time(Pace.Time byHand) {
            this.time = byHand;
            return this;
        }

        /**
         * Checks the set-up against the database and builds the biller. Writes one row: which table the name stands for.
         *
         * @return a biller that works
         * @throws SetupException if anything is wrong, naming the setting, its value and the remedy; nothing has been written then
         */
        public LockingInvoiceBiller build() {
            DataSource source =
                    given(dataSource, "dataSource", "Give LockingInvoiceBiller.builder the host's DataSource.");
            BillingGateway provider =
                    given(gateway, "gateway", "Give LockingInvoiceBiller.builder an implementation of BillingGateway.");
            InvoiceTable table = given(invoices, "invoices", "Say e.g. InvoiceTable.named(\"invoices\").");
            BillerSettings settings = settings(provider);
            Server server = Server.ask(source);
            Database database = Database.of(
                    source, server, SessionSettings.momentary(settings.idleLimit(), SessionSettings.Work.PAGES));
            // A machine that is short of time while it starts must not meet the limit of short calls.
            Database setUp =
                    Database.of(source, server, SessionSettings.momentary(SET_UP_IDLE, SessionSettings.Work.PAGES));
            String schema = text(journalSchema, "journalSchema", "\"invoice_lock\"");
            boolean hooked = settings.hook() != BillerSettings.NO_HOOK;
            Invoices checked =
                    InvoiceTableCheck.check(setUp, server, described(table), settings.name(), schema, hooked);
            UUID installation = JournalCheck.check(setUp, server, schema);
            refuseOnCitus(server, settings, table);
            String said = environment == null ? null : text(environment, "environment", "\"production\"");
            Environment.require(setUp, server, schema, said);
            BillerRegistry.register(setUp, schema, settings.name(), checked);
            IndexAdvice.log(setUp, settings.name(), checked);
            if (settings.scope() == LockScope.THROUGH_CALL) {
                PoolCheck.log(source, settings.name(), settings.concurrency());
            }
            JournalSettings whose = new JournalSettings(
                    settings.name(),
                    settings.server(),
                    settings.keepSnapshots(),
                    table.oneAtATimeFor,
                    table.keeping,
                    table.amountColumn,
                    database.storableText(),
                    database.distributed());
            Journal journal = new Journal(schema, installation, whose, checked.snapshots()::typed);
            return new LockingInvoiceBiller(
                    settings,
                    new Tables(database, journal, checked),
                    new Pruning(schema, installation, journal, checked));
        }

        private BillerSettings settings(BillingGateway provider) {
            String biller = text(name, "name", "\"invoices\"");
            if (biller.chars().anyMatch(Character::isISOControl)) {
                throw new SetupException(
                        "name has control characters; it must be a plain name, \"invoices\" for example.");
            }
            Duration window = provider.idempotencyWindow();
            Duration lag = provider.findLag();
            SettingRanges.notNegative(window, "BillingGateway.idempotencyWindow()");
            SettingRanges.notNegative(lag, "BillingGateway.findLag()");
            BillerSettings settings = new BillerSettings(
                    biller,
                    serverName(),
                    provider,
                    SettingRanges.forEverAtMost(window),
                    SettingRanges.forEverAtMost(lag),
                    GatewayCheck.canBeAsked(provider),
                    given(lockStrategy, "lockStrategy", "Say LockStrategy.NOWAIT, SKIP_LOCKED or WAIT."),
                    given(lockScope, "lockScope", "Say LockScope.THROUGH_CALL or CLAIM_ONLY."),
                    SettingRanges.between(
                            concurrency,
                            SettingRanges.MOST_CONCURRENCY,
                            "concurrency",
                            "It is how many calls are made at once, e.g. 8."),
                    SettingRanges.rate(
                            maxCallsPerSecond, "maxCallsPerSecond", "It is how often this server calls the provider"),
                    SettingRanges.rate(
                            fleetCallsPerSecond,
                            "fleetCallsPerSecond",
                            "It is how often all servers together call the provider"),
                    SettingRanges.time(
                            callTimeout,
                            "callTimeout",
                            "It bounds one call of BillingGateway.bill, e.g. Duration.ofSeconds(30)."),
                    SettingRanges.time(
                            leaseMargin,
                            "leaseMargin",
                            "It is how much longer than a call its claim is believed, e.g. Duration.ofSeconds(10)."),
                    SettingRanges.time(
                            waitTimeout,
                            "waitTimeout",
                            "It is the patience of LockStrategy.WAIT, e.g. Duration.ofSeconds(5)."),
                    SettingRanges.between(
                            stopAfterFailures,
                            SettingRanges.MOST_FAILURES,
                            "stopAfterFailures",
                            "It is how many failed calls one after the other end a run, e.g. 20."),
                    keepSnapshots,
                    given(retryPolicy, "retryPolicy", "Say e.g. RetryPolicy.standard()."),
                    given(onBilled, "onBilled", "Leave it out for no hook."),
                    listeners.stream()
                            .map(each -> given(each, "listener", "Leave it out for no listener."))
                            .toList(),
                    executor,
                    callContext == null ? BillerSettings.NOTHING_CARRIED : callContext,
                    time);
            SettingRanges.repeatable(
                    settings.name(),
                    settings.callTimeout(),
                    settings.leaseMargin(),
                    settings.idempotencyWindow(),
                    settings.providerCanBeAsked());
            return settings;
        }

        private InvoiceSettings described(InvoiceTable table) {
            return new InvoiceSettings(
                    table.schema,
                    table.table,
                    table.id,
                    table.pendingColumn,
                    table.pendingWhen,
                    table.billableWhen,
                    table.orderedBy,
                    table.onBilled,
                    table.onDeclined,
                    table.referenceColumn,
                    table.billedAtColumn,
                    table.including,
                    table.oneAtATimeFor,
                    table.keeping,
                    table.amountColumn,
                    given(rowLock, "rowLock", "Say RowLock.FOR_UPDATE or FOR_NO_KEY_UPDATE."));
        }

        private static void refuseOnCitus(Server server, BillerSettings settings, InvoiceTable table) {
            if (server.citus() && table.oneAtATimeFor != null) {
                throw new SetupException(
                        "oneAtATimeFor is \"" + table.oneAtATimeFor
                                + "\"; it cannot be kept on Citus, where no index over all nodes is unique but by the invoice. Leave it out.");
            }
            if (server.citus() && settings.strategy() != LockStrategy.NOWAIT) {
                throw new SetupException("lockStrategy is " + settings.strategy()
                        + "; on Citus it must be NOWAIT: FOR UPDATE SKIP LOCKED over several rows is refused there, and WAIT is not proven "
                        + "to end on a worker that is lost.");
            }
        }

        private static String serverName() {
            String host;
            try {
                host = InetAddress.getLocalHost().getHostName();
            } catch (UnknownHostException e) {
                host = "unknown-host";
            }
            return host + "/" + ProcessHandle.current().pid() + "/"
                    + UUID.randomUUID().toString().substring(0, 8);
        }

        private static <T> T given(@Nullable T value, String setting, String remedy) {
            if (value == null) {
                throw new SetupException(setting + " is null. " + remedy);
            }
            return value;
        }

        private static String text(@Nullable String value, String setting, String example) {
            if (value == null || value.isBlank()) {
                throw new SetupException(setting + " is " + (value == null ? "null" : "\"" + value + "\"")
                        + "; it must not be empty. Say e.g. " + example + ".");
            }
            return value;
        }
    }
}
