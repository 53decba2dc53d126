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
 * Bills each pending invoice once, from many servers, even if some of them crash.
 *
 * <p>Build one biller per server and table, and keep it until shutdown. Schedule {@link #billPending()} as often as you like, and
 * {@link #recover()} every minute. Runs may overlap. Do not call it inside a transaction of your own: that is refused.
 *
 * <p>Thread-safe. What it guarantees depends on what the provider offers: see {@link BillingGateway#idempotencyWindow()} and
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
     * @param dataSource the host's. Connections are used for milliseconds; in {@link LockScope#THROUGH_CALL} also for as long as a call, so
     *     that the pool should have one more than the concurrency
     * @param gateway the host's way to its provider
     * @return a builder with the defaults
     */
    public static Builder builder(DataSource dataSource, BillingGateway gateway) {
        return new Builder(dataSource, gateway);
    }

    /**
     * Bills everything: first what is due (left behind by a crash, or to be tried again), then fresh invoices, until none is left. While it
     * runs, it looks every 3 seconds for what has become due. An invoice that cannot be claimed or marked because of its own data is set
     * aside, and all others are billed.
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
     * Tells what a run of {@link #billPending(RunLimits)} would take up now. It writes nothing, locks nothing, and does not call the provider.
     * It reads pages of pending invoices as a run does, so it takes longer the more there are.
     *
     * @param limits bounds of the run; a limit on time has no effect here
     * @param sumsOf columns of the invoices' table with numbers, each of which is summed up: the amount, for example
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
     * minute: without it, what is due waits for the next {@link #billPending()}.
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
     * The attempts that wait for a person, each with its {@link BillingAttempt#cause() cause}. Attempts that were taken back are listed, too,
     * if their invoice is pending again. A refusal that {@link InvoiceTable#onDeclinedSet} marked, or that was resolved as declined, is closed
     * and not listed.
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
     * What waits for a person, grouped by cause, state, code and message. Use it when many wait. It is one look-up in an index, of at most
     * 10,000 rows.
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
     * Finds attempts by what is known of them, newest first. Every filter uses an index. If there is only a period, the first page reads the
     * whole period once. With {@link AttemptState#BILLED}, or without any condition, a page reads through the newest attempts of all billers
     * until it is full.
     *
     * @param filter which attempts
     * @param page which page of them
     * @return at most as many as the page's size. With the cause TAKEN_BACK_AND_PENDING there may be fewer, or none, although more follow
     * @throws InvoiceLockException if the invoice's id cannot be one of the table
     * @throws IllegalArgumentException if the page's cursor is not one of this method
     * @throws DatabaseException if the database cannot be asked
     */
    public Page<BillingAttempt> find(AttemptFilter filter, PageRequest page) {
        return words.overview().find(asPrinted(filter), requireNonNull(page, "page"));
    }

    /**
     * All charges that were recorded in a period, for an export: attempts that are BILLED, by {@link BillingAttempt#settledAt()}. They are
     * read 1,000 at a time while the stream is consumed, each page in a transaction of its own. So the stream needs no closing, and a slow
     * reader keeps no transaction open. A period that ended at least a minute ago does not change any more.
     *
     * @param from the first moment, by the database's clock
     * @param to the end, which is not included
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
     * @param page which page of them; a cursor works only for the same period
     * @return in the order in which they were claimed
     * @throws IllegalArgumentException if the page's cursor is not one of this method
     * @throws DatabaseException if the database cannot be asked
     */
    public Page<BillingAttempt> billed(Instant from, Instant to, PageRequest page) {
        return words.overview()
                .billed(requireNonNull(from, "from"), requireNonNull(to, "to"), requireNonNull(page, "page"));
    }

    /**
     * Compares the provider's charges with the journal. Do this after a restore, and as often as you like. It changes nothing;
     * {@link Reconciliation#writeBack} does. The stream is consumed here, on the caller's thread. It may be slow: no transaction is open
     * meanwhile, and memory does not grow with it.
     *
     * <p>Give the charges of the period, and a little more on both ends, because the provider's clock may differ. Each belongs to the attempt
     * of its key. A key that the journal has lost is found by making the keys of all pending invoices again.
     *
     * @param charges what the provider lists, without refunded charges. A repeated reference is ignored. Not closed here
     * @param from the first moment of the period. An attempt that began from then on, and settled before the end, must be among the charges
     * @param to the end, which is not included
     * @return what was found; close it when you are done
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
     * What happened to an invoice's attempts. An invoice that was charged at its first call has no history: {@link #attempts} shows it all.
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
     * @param attempt as it was read
     * @return at least one choice
     * @throws InvoiceLockException if the attempt is of another biller
     */
    public Advice advice(BillingAttempt attempt) {
        return words.decisions().advising().on(ours(attempt));
    }

    /**
     * Asks the provider what became of the key of an invoice's newest attempt, in the name of the operating system's user and this server.
     *
     * @param invoiceId as for {@link #bill}
     * @return the provider's answer; unknown if it could not be asked
     * @throws WordRefusedException as below
     */
    public BillingOutcome ask(Object invoiceId) {
        return ask(invoiceId, someone());
    }

    /**
     * Asks the provider what became of the key of an invoice's newest attempt. This is one {@link BillingGateway#find}, for at most
     * {@code callTimeout}; it never sends a charge. The answer is evidence for a person. It is kept in the {@link #history}, and changes
     * nothing by itself.
     *
     * @param invoiceId as for {@link #bill}
     * @param who asks; kept in the history
     * @return the provider's answer; unknown if it could not be asked just now, or not in time. While a request may be on its way, the reason
     *     of {@link BillingOutcome#notBilled} says until when
     * @throws WordRefusedException if the gateway cannot be asked, or there is no attempt
     */
    public BillingOutcome ask(Object invoiceId, String who) {
        return words.decisions().questions().ask(id(invoiceId), requireNonNull(who, "who"));
    }

    /**
     * A person decides what became of an invoice's newest attempt, in the name of the operating system's user and this server.
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
     * A person decides what became of an invoice's newest attempt, as it is now. If they looked at the attempt before, use
     * {@link #resolve(BillingAttempt, BillingOutcome, String, String)}, which refuses a decision that is out of date.
     *
     * <p>While any attempt of the invoice is BILLED, only billed is taken. With the reference in the journal it closes what still waits, for
     * example a second charge.
     *
     * @param invoiceId as for {@link #bill}
     * @param outcome billed: the invoice is marked. declined: the attempt is closed, and off the list. notBilled: the same key is due again.
     *     accepted: the provider is asked later
     * @param note how they know; kept in the journal
     * @param who decided; kept in the journal
     * @throws WordRefusedException if it is refused; {@link WordRefusedException#refusal()} says why
     * @throws InvoiceNotMarkedException if the decision is in the journal, but the invoice could not be marked
     * @throws DatabaseException if another session holds the attempt's row of the journal for too long; nothing was written then
     */
    public void resolve(Object invoiceId, BillingOutcome outcome, String note, String who) {
        words.resolutions().resolve(word(id(invoiceId), null, note, who), requireNonNull(outcome, "outcome"));
    }

    /**
     * A person decides what became of an attempt that they looked at. The decision is refused if the attempt has changed since, or if there is
     * a newer one.
     *
     * @param seen the attempt as it was read
     * @param outcome as above
     * @param note how they know; kept in the journal
     * @param who decided; kept in the journal
     * @throws WordRefusedException as above; or if the attempt has changed: the message says what happened, and by whom
     * @throws InvoiceNotMarkedException as above
     * @throws DatabaseException as above
     */
    public void resolve(BillingAttempt seen, BillingOutcome outcome, String note, String who) {
        words.resolutions().resolve(word(ours(seen).invoiceId(), seen, note, who), requireNonNull(outcome, "outcome"));
    }

    /**
     * A person proposes what became of an attempt that they looked at, so that a second person can decide it. The proposal is kept in the
     * {@link #history} as {@link AttemptEvent.What#PROPOSED}, and changes nothing. A host that asks for two people compares their names.
     *
     * @param seen the attempt as it was read
     * @param outcome what they propose
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
     * Releases an invoice's newest attempt, in the name of the operating system's user and this server.
     *
     * @param invoiceId as for {@link #bill}
     * @throws WordRefusedException as below
     */
    public void retry(Object invoiceId) {
        retry(invoiceId, "released", someone());
    }

    /**
     * Releases a parked, declined, withdrawn or set-aside attempt: it is due at once, and the next run of any server continues it.
     *
     * <ul>
     *   <li>Declined: under a new key. If a person closed it in doubt, only when no request under the old key can be on its way any more.
     *   <li>In doubt: sent again only where that charges nothing more; otherwise parked again.
     *   <li>Withdrawn after its key was sent: the same request as before.
     *   <li>Charged or refused, and its mark was set aside: the invoice is marked.
     * </ul>
     *
     * @param invoiceId as for {@link #bill}
     * @param note why; kept in the history
     * @param who decided; kept in the history
     * @throws WordRefusedException if it is refused: there is no such invoice or attempt, it is being called right now, any attempt of the
     *     invoice is billed, or the invoice is not pending
     */
    public void retry(Object invoiceId, String note, String who) {
        words.resolutions().retry(word(id(invoiceId), null, note, who));
    }

    /**
     * Releases an attempt that a person looked at. This is refused if the attempt has changed since, or if there is a newer one.
     *
     * @param seen the attempt as it was read
     * @param note why; kept in the history
     * @param who decided; kept in the history
     * @throws WordRefusedException as above; or if the attempt has changed: the message says what happened, and by whom
     */
    public void retry(BillingAttempt seen, String note, String who) {
        words.resolutions().retry(word(ours(seen).invoiceId(), seen, note, who));
    }

    /**
     * Releases all attempts that wait for a person and fit the filter: page by page, each by itself, as
     * {@link #retry(BillingAttempt, String, String)} does. Attempts that do not wait for a person are left alone. Try it first:
     * {@link #dryRun()}.
     *
     * @param filter which of them
     * @param note why, for example the name of an incident; kept in the history
     * @param who decided; kept in the history
     * @return how many will be sent or asked about, and how many were refused, and why
     * @throws DatabaseException if the database failed; decisions made before that stay
     */
    public BulkResult retryAll(AttemptFilter filter, String note, String who) {
        return retryAll(filter, note, who, ManyAtOnce.Extent.ALL);
    }

    /**
     * Decides what became of all attempts that wait for a person and fit the filter: page by page, each by itself, as
     * {@link #resolve(BillingAttempt, BillingOutcome, String, String)} does. Try it first: {@link #dryRun()}.
     *
     * @param filter which of them
     * @param outcome what became of each
     * @param note how they know; kept in the journal
     * @param who decided; kept in the journal
     * @return what that leads to, and how many were refused, and why
     * @throws DatabaseException if the database failed; decisions made before that stay
     */
    public BulkResult resolveAll(AttemptFilter filter, BillingOutcome outcome, String note, String who) {
        return resolveAll(filter, outcome, note, who, ManyAtOnce.Extent.ALL);
    }

    /**
     * Tries {@link #retryAll} and {@link #resolveAll} without writing anything.
     *
     * @return tells what each decision would lead to now
     */
    public DryRun dryRun() {
        return dryRun(Long.MAX_VALUE);
    }

    /**
     * The same for the oldest attempts only. Use it when so many wait that trying all of them takes too long.
     *
     * @param most after how many it ends; it may be up to 99 more
     * @return tells what each of these decisions would lead to now
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
     * Takes the provider's own message, for example from your webhook. Check the message's signature before. It may come at any time, also
     * before the call has returned, and more than once.
     *
     * <p>Billed always counts, and is final. Any other outcome counts only if the attempt is accepted, in doubt or to be tried again, and is
     * ignored while a server is calling the provider. A charge that is not the one in the journal is told as an anomaly, and kept for a person.
     *
     * @param idempotencyKey as in {@link BillingRequest#idempotencyKey()}
     * @param outcome what the provider told
     * @throws InvoiceLockException if no attempt of this biller has that key
     * @throws InvoiceNotMarkedException if the outcome is in the journal, but the hook, a trigger or a constraint kept the invoice from being
     *     marked; the mark is tried again
     */
    public void report(String idempotencyKey, BillingOutcome outcome) {
        words.reports().report(requireNonNull(idempotencyKey, "idempotencyKey"), requireNonNull(outcome, "outcome"));
    }

    /**
     * Takes an invoice back, in the host's own transaction. If the answer is {@link Withdrawal#WITHDRAWN} and the transaction commits, the
     * invoice will not be charged. Waits at most a second for the invoice's row.
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
     * Stops billing on all servers until {@link #resume}: nothing is claimed and nothing is sent. Each server sees it with its next claim.
     * Calls in flight finish, and their outcomes are written. What cannot charge goes on: {@code find}, marks, {@link #report},
     * {@link #resolve}, {@link #withdraw}. Runs end with {@link StopReason#PAUSED}.
     *
     * <p>An invoice that was claimed just before this returned may still be sent, within half of the
     * {@link Builder#leaseMargin lease's margin}. If the provider is asked first, it may be sent after that {@code find}. Nothing is sent later.
     *
     * <p>Without Java: {@code select invoice_lock.pause('invoices', 'ann', 'wrong amounts')}. If the biller is paused already, only who and why
     * change; one {@code resume} is enough.
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
     * {@link StopReason#CLOSED}. Idempotent; may be called from a shutdown hook. The wait is bounded: it lasts as long as a call may take, and
     * the lease's margin for late answers of calls that were cut off.
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

    /** Settings of a biller. Not thread-safe. {@link #build()} checks them and says what is wrong. */
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
         * The biller's name. It is part of every key and row of the journal, so it must be the same on every server, and another one for each
         * table. {@code invoices} by default. Never change it: every invoice would look as if it had never been claimed.
         *
         * @param name not blank, without control characters
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
         * What holds an invoice while the provider is called. {@link LockScope#THROUGH_CALL} by default. Stop all servers before you change
         * it: servers in THROUGH_CALL take a row without a lock for one that nobody is calling.
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
         * How often this server calls the gateway at most, on average and over all its runs. For a provider's limit use
         * {@link #fleetCallsPerSecond}. Calls of a tenth of a second may leave together. No bound by default. The wait comes before the claim, so
         * a waiting invoice can still be claimed by another server.
         *
         * @param calls at least 0.001
         * @return this
         */
        public Builder maxCallsPerSecond(double calls) {
            this.maxCallsPerSecond = calls;
            return this;
        }

        /**
         * How often all servers together call the gateway at most, however many there are: the provider's limit. Set the same on each server. A
         * server that is alone may use all of it. No bound by default.
         *
         * <p>Servers reserve moments for calls in the journal, by the database's clock, for a tenth of a second at a time. If a server is killed,
         * the moments that it reserved are over within about a second. A call may leave up to 50 ms after its moment, so set some percent less
         * than the provider's limit. The wait comes before the claim, so a waiting invoice can still be claimed by another server.
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
         * @param timeout a millisecond to a day. Twice this and the margin must fit into {@link BillingGateway#idempotencyWindow()}; otherwise
         *     no key is ever sent again, and {@link #build()} refuses that if the gateway cannot be asked
         * @return this
         */
        public Builder callTimeout(Duration timeout) {
            this.callTimeout = timeout;
            return this;
        }

        /**
         * How much longer than its calls a claim lasts. 10 s by default. Half of it is for a call that leaves late, for lack of a thread or a
         * connection; after that it is not sent, but given back. The other half is for a request that arrives after its sender gave up.
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
         * After how many failed calls in a row a run stops, so that no more invoices are left in doubt. It also holds all servers back: they try
         * one call at a time until one succeeds ({@link BillingBrake}). 20 by default. If as many invoices in a row are set aside, the run ends
         * with their error.
         *
         * @param failures 1 to 1,000,000
         * @return this
         */
        public Builder stopAfterFailures(int failures) {
            this.stopAfterFailures = failures;
            return this;
        }

        /**
         * Keeps the snapshots of settled attempts in the journal. They hold what the invoice's row held, perhaps personal data. By default a
         * snapshot is dropped when no request is made from it any more.
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
         * Is told what happens. None by default. Call this once for each listener: they are told in this order, even if one throws.
         *
         * @param listener the listener
         * @return this
         */
        public Builder listener(BillingListener listener) {
            this.listeners.add(listener);
            return this;
        }

        /**
         * Makes the gateway's calls. By default these are virtual threads on JDK 21 and newer, and the library's own threads on older ones. Each
         * call is a task of its own, and nothing else runs on the host's threads. The executor may block, refuse, or make the call itself,
         * because it is given the task on a thread of the library. A call that has not begun in time is not made.
         *
         * @param executor the host's; not shut down here
         * @return this
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /**
         * Carries data of the thread that begins a run, for example a trace, to the threads of its calls. Nothing by default.
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
         * Which environment this is, for example {@code "production"}. None by default. The journal keeps what the first biller says. From then
         * on {@link #build()} refuses a biller that says another one, or none. So a copy of production's database cannot bill by accident: the
         * copy's journal says production, and its servers say something else.
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
         * Checks the set-up against the database and builds the biller. It writes one row, which says what table the name stands for.
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
