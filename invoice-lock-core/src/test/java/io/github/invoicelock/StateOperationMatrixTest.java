package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.jooq.impl.DSL.field;

import io.github.invoicelock.MatrixCell.Answer;
import io.github.invoicelock.MatrixCell.Older;
import io.github.invoicelock.MatrixCell.Operation;
import io.github.invoicelock.MatrixCell.Time;
import io.github.invoicelock.MatrixCell.Word;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every state of the newest attempt, beside an older one, × every operation × pending or not × leased or not × held by the host or not ×
 * every kind of provider. Each cell is an invoice of its own that is brought to its state by calls that hosts make; {@link InvoiceJudge}
 * judges it by the promises alone, after the operation, and again when runs have had a month for it.
 *
 * <p>Each state meets each operation {@value #TIMES} time, in surroundings that the seed chooses. {@code -Dinvoicelock.matrix=96} walks every
 * cell, which takes an hour or two; {@code -Dinvoicelock.matrix.seed=7} walks others.
 */
@Tag(Thorough.SAMPLED)
class StateOperationMatrixTest {
    private static final int TIMES = 1;
    private static final int WALKED = Integer.getInteger("invoicelock.matrix", TIMES);
    private static final int SEED = Integer.getInteger("invoicelock.matrix.seed", 1);
    /** So many cells stand side by side at most: each of those that hang has a thread. */
    private static final int WAVE = 600;

    private static final int TELL_AT_MOST = 3;

    private final TestHost host = new TestHost(40, true);
    private final ExecutorService hands = Executors.newFixedThreadPool(24);
    private final Set<String> anomalies = ConcurrentHashMap.newKeySet();
    private final Map<String, List<String>> failures = new TreeMap<>();
    private MatrixProvider provider = MatrixProvider.of(ProviderKind.NEITHER);
    private @Nullable LockingInvoiceBiller server;
    private @Nullable LockingInvoiceBiller dying;
    private @Nullable LockingInvoiceBiller impatient;
    private long nextId = 100_001;
    private int closedOff;

    @AfterEach
    void close() {
        hands.shutdownNow();
        host.close();
    }

    @ParameterizedTest
    @CsvSource({
        "REMEMBERS, THROUGH_CALL",
        "REMEMBERS, CLAIM_ONLY",
        "CAN_BE_ASKED, THROUGH_CALL",
        "CAN_BE_ASKED, CLAIM_ONLY",
        "BOTH, THROUGH_CALL",
        "BOTH, CLAIM_ONLY",
        "NEITHER, THROUGH_CALL",
        "NEITHER, CLAIM_ONLY"
    })
    void every_promise_holds_in_every_cell(ProviderKind kind, LockScope scope) {
        provider = MatrixProvider.of(kind);
        host.sql("alter table invoices add column marks int not null default 0");
        server = host.running(server(scope, Duration.ofSeconds(10)).concurrency(8));
        dying = host.running(server(LockScope.CLAIM_ONLY, Duration.ofHours(1)).concurrency(WAVE));
        impatient =
                host.running(server(LockScope.CLAIM_ONLY, Duration.ofSeconds(1)).concurrency(WAVE));
        List<MatrixCell> cells = Thorough.orOneIn(
                48,
                "StateOperationMatrixTest",
                MatrixCell.all().stream()
                        .filter(cell -> cell.isChosen(kind, scope, SEED, WALKED))
                        .toList());

        for (List<MatrixCell> wave : waves(cells)) {
            new Wave(wave).play();
        }

        System.out.println("StateOperationMatrixTest: " + kind + ", " + scope + ": walked " + cells.size() + " of "
                + MatrixCell.all().size() + " cells (seed " + SEED + "), " + closedOff + " states are closed off, "
                + failures.values().stream().mapToLong(List::size).sum() + " are wrong");
        assertThat(failures.keySet()).as(this::report).isEmpty();
    }

    /** What is done to all invoices at once has waves of its own. */
    private static List<List<MatrixCell>> waves(List<MatrixCell> cells) {
        Map<String, List<MatrixCell>> groups = cells.stream()
                .collect(Collectors.groupingBy(
                        cell -> cell.operation().isForAll() ? cell.operation().toString() : "one by one",
                        LinkedHashMap::new,
                        Collectors.toList()));
        List<List<MatrixCell>> waves = new ArrayList<>();
        for (List<MatrixCell> group : groups.values()) {
            for (int i = 0; i < group.size(); i += WAVE) {
                waves.add(group.subList(i, Math.min(group.size(), i + WAVE)));
            }
        }
        return waves;
    }

    private LockingInvoiceBiller.Builder server(LockScope scope, Duration callTimeout) {
        return host.server(provider)
                .invoices(InvoiceTable.named("invoices")
                        .storeReferenceIn("reference")
                        .onBilledSet("marks", field("marks + 1")))
                .lockScope(scope)
                .callTimeout(callTimeout)
                .stopAfterFailures(100_000)
                .retryPolicy(StateOperationMatrixTest::nextTry)
                .listener(new BillingListener() {
                    @Override
                    public void anomaly(String invoiceId, String what) {
                        anomalies.add(invoiceId);
                    }
                });
    }

    private static Optional<Duration> nextTry(BillingAttempt attempt) {
        boolean givenUp = attempt.state() == AttemptState.DECLINED
                ? !"again".equals(attempt.code())
                : String.valueOf(attempt.message()).contains("give up");
        return givenUp ? Optional.empty() : Optional.of(Duration.ofMinutes(1));
    }

    private String report() {
        StringBuilder text = new StringBuilder();
        failures.forEach((kind, cells) -> {
            text.append("\n\n").append(cells.size()).append(" cells: ").append(kind);
            cells.stream()
                    .limit(TELL_AT_MOST)
                    .forEach(cell -> text.append("\n  ").append(cell));
        });
        return text.append('\n').toString();
    }

    /** Cells that are walked side by side, each an invoice. */
    private final class Wave {
        private final Map<Long, MatrixCell> cells = new LinkedHashMap<>();
        private final Set<String> judged = ConcurrentHashMap.newKeySet();
        private final List<InBackground<BillingRun>> hanging = new ArrayList<>();

        Wave(List<MatrixCell> walked) {
            walked.forEach(cell -> cells.put(nextId++, cell));
        }

        void play() {
            try {
                reach();
                operate();
                judge(false);
                drain();
                judge(true);
            } finally {
                leave();
            }
        }

        // ---- reaching the states

        private void reach() {
            refuseOlder();
            callThatHang();
            callTheOthers();
            each(cell -> !cell.standing().unmarked(), this::speak);
            Connection holder = hold(cell -> cell.standing().unmarked());
            each(cell -> cell.standing().unmarked(), this::speak);
            rollback(holder);
            reportOlderCharges();
            // R4: what is sent again is what was sent.
            host.sql("update invoices set amount = amount + 1");
            pass(cell -> cell.time() != Time.JUST_NOW, Duration.ofHours(3));
            pass(cell -> cell.time() == Time.DAYS_AGO, MatrixProvider.WINDOW.plusHours(2));
            setPending();
            expectStates();
        }

        /** The older attempts: refused, where need be by the webhook, after their call had been cut off. */
        private void refuseOlder() {
            List<Long> late = ids(cell -> cell.operation() == Operation.LATE_ANSWER_ON_OLDER);
            if (!late.isEmpty()) {
                insert(late, Answer.CUT_OFF);
                running(impatient).billPending();
                late.forEach(id -> say(id, Word.REPORT_DECLINED_AT_FIRST, 1));
            }
            List<Long> older = ids(cell -> cell.older() != Older.NONE);
            older.removeAll(late);
            insert(older, Answer.REFUSES_AT_FIRST);
            running(server).billPending();
        }

        private void callThatHang() {
            callOn(running(impatient), cell -> cell.standing().first == Answer.CUT_OFF, false);
            callOn(
                    running(dying),
                    cell -> cell.standing().first != null
                            && cell.standing().first.hangs(),
                    true);
        }

        private void callTheOthers() {
            callOn(
                    running(server),
                    cell -> cell.standing().first != null
                            && !cell.standing().hasCallUnderWay()
                            && !cell.standing().first.hangs(),
                    false);
            insert(ids(cell -> cell.standing().first == null), Answer.CHARGES);
        }

        private void callOn(LockingInvoiceBiller biller, Predicate<MatrixCell> which, boolean hangs) {
            List<Long> ids = ids(which);
            Map<Long, Integer> arrived = new LinkedHashMap<>();
            ids.forEach(id -> arrived.put(id, account(id).arrived()));
            ids.forEach(id -> account(id).willAnswer(Objects.requireNonNull(cell(id).standing().first)));
            pass(cell -> which.test(cell) && cell.older() != Older.NONE, Duration.ofMinutes(5));
            insert(ids(cell -> which.test(cell) && cell.older() == Older.NONE), null);
            if (!hangs) {
                biller.billPending();
                return;
            }
            hanging.add(InBackground.of(biller::billPending));
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> ids.stream().allMatch(id -> account(id).arrived() > arrived.getOrDefault(id, 0)));
        }

        private MatrixCell cell(long id) {
            return Objects.requireNonNull(cells.get(id), () -> "no cell " + id);
        }

        private void speak(long id) {
            MatrixCell cell = cell(id);
            cell.standing().words.forEach(word -> say(id, word, cell.older() == Older.NONE ? 1 : 2));
        }

        private void reportOlderCharges() {
            each(cell -> cell.older() == Older.BILLED, id -> say(id, Word.REPORT_BILLED, 1));
            Connection holder = hold(cell -> cell.older() == Older.BILLED_UNMARKED);
            each(cell -> cell.older() == Older.BILLED_UNMARKED, id -> say(id, Word.REPORT_BILLED, 1));
            rollback(holder);
        }

        private void setPending() {
            update(ids(MatrixCell::pending), "pending = true");
            update(ids(cell -> !cell.pending()), "pending = false");
        }

        private void expectStates() {
            InvoiceJudge now = look();
            cells.forEach((id, cell) -> {
                String state = now.newestState(String.valueOf(id));
                if (!state.equals(cell.standing().state) && account(id).wasRefusedAWord()) {
                    // The library refuses the word that would lead there: judged where it stands.
                    closedOff++;
                } else if (!state.equals(cell.standing().state)) {
                    fail(id, "not reached: the newest attempt is " + state, now);
                }
            });
        }

        // ---- the operation

        private void operate() {
            Connection holder = hold(MatrixCell::held);
            Operation first = cells.values().iterator().next().operation();
            if (first == Operation.BILL_PENDING) {
                running(server).billPending();
            } else if (first == Operation.RECOVER) {
                running(server).recover();
            } else if (first == Operation.PRUNE) {
                prune();
            } else {
                each(cell -> true, this::operate);
                awaitLateAnswers();
            }
            rollback(holder);
        }

        private void operate(long id) {
            MatrixCell cell = cell(id);
            Operation operation = cell.operation();
            int newest = cell.older() == Older.NONE ? 1 : 2;
            if (operation.word != null) {
                say(id, operation.word, operation.onOlder() ? 1 : newest);
            } else if (operation == Operation.BILL) {
                attempt(id, () -> running(server).bill(id));
            } else {
                account(id).letGoCharging(account(id).key(operation.onOlder() ? 1 : newest));
            }
        }

        private void prune() {
            String old = " - interval '3 years' where biller = 'invoices'";
            host.sql("update invoice_lock.billing_attempt set settled_at = settled_at" + old);
            host.sql("update invoice_lock.billing_attempt set started_at = started_at" + old);
            InvoiceLockSchema.prune(
                    host.dataSource(), running(server), Instant.now().minus(Duration.ofDays(730)));
        }

        /** R5: whoever owns the attempt. */
        private void awaitLateAnswers() {
            List<Long> late = ids(cell ->
                    cell.operation() == Operation.LATE_ANSWER || cell.operation() == Operation.LATE_ANSWER_ON_OLDER);
            if (late.isEmpty()) {
                return;
            }
            Predicate<Long> isHeard = id -> host.count(
                            "invoice_lock.billing_attempt",
                            "invoice_id = '" + id + "' and state = 'BILLED' and number = "
                                    + (cell(id).operation() == Operation.LATE_ANSWER && cell(id).older() != Older.NONE
                                            ? 2
                                            : 1))
                    > 0;
            List<Long> unheard = new ArrayList<>(late);
            Instant until = Instant.now().plusSeconds(15);
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                unheard.removeIf(isHeard);
                return unheard.isEmpty() || Instant.now().isAfter(until);
            });
            unheard.forEach(id -> fail(id, "R5: the late answer that it was charged is not in the journal", look()));
        }

        /** A word, through the door that it has; number is the attempt that a report names. */
        private void say(long id, Word word, int number) {
            MatrixAccount account = account(id);
            if (word == Word.RETRY) {
                attempt(id, () -> {
                    retry(id);
                    account.retried(newestKey(id));
                });
            } else if (word == Word.WITHDRAW) {
                attempt(id, () -> withdraw(id));
            } else {
                attempt(id, () -> {
                    String key = word.reports() ? account.key(number) : newestKey(id);
                    BillingOutcome outcome = account.spoken(word, key);
                    if (word.reports()) {
                        running(server).report(key, outcome);
                    } else {
                        running(server).resolve(id, outcome, "as the dashboard shows", "the matrix");
                    }
                    running(server).attempts(id).stream()
                            .filter(attempt -> attempt.idempotencyKey().equals(key))
                            .forEach(attempt -> account.heard(word, key, attempt.state(), outcome));
                });
            }
        }

        private void retry(long id) {
            running(server).retry(id);
        }

        private void withdraw(long id) {
            try (Connection connection = host.dataSource().getConnection()) {
                connection.setAutoCommit(false);
                Withdrawal answer = running(server).withdraw(connection, id);
                connection.commit();
                account(id).withdrawAnswered(answer, newestKey(id));
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        private String newestKey(long id) {
            List<BillingAttempt> attempts = running(server).attempts(id);
            return attempts.isEmpty()
                    ? "none"
                    : attempts.get(attempts.size() - 1).idempotencyKey();
        }

        /** What may be refused, by an exception that names the invoice. */
        private void attempt(long id, Runnable operation) {
            try {
                operation.run();
            } catch (InvoiceLockException e) {
                account(id).refusedToHear(e);
                if (!String.valueOf(e.getMessage()).contains(String.valueOf(id))) {
                    fail(
                            id,
                            "the exception does not name the invoice: "
                                    + e.getClass().getSimpleName(),
                            look());
                }
            } catch (RuntimeException e) {
                account(id).refusedToHear(e);
                fail(
                        id,
                        "an exception that hosts do not expect: " + e.getClass().getSimpleName(),
                        look());
            }
        }

        // ---- afterwards

        /** Nobody says anything any more, the provider carries out what it accepted, and a month passes. */
        private void drain() {
            LockingInvoiceBiller biller = running(server);
            biller.billPending();
            pass(cell -> true, Duration.ofSeconds(30));
            biller.recover();
            provider.settleAccepted();
            pass(cell -> true, Duration.ofHours(3));
            biller.billPending();
            pass(cell -> true, MatrixProvider.WINDOW.plusHours(2));
            provider.forgetKeys();
            biller.recover();
            pass(cell -> true, Duration.ofDays(30));
            biller.billPending();
            biller.recover();
        }

        private void judge(boolean atTheEnd) {
            InvoiceJudge now = look();
            for (Long id : cells.keySet()) {
                List<String> wrongs = now.wrongs(String.valueOf(id), account(id), atTheEnd);
                if (!wrongs.isEmpty() && judged.add(String.valueOf(id))) {
                    fail(id, (atTheEnd ? "" : "at once: ") + wrongs.get(0), now);
                }
            }
        }

        private void leave() {
            cells.keySet().forEach(id -> account(id).letGo());
            hanging.forEach(InBackground::result);
            host.sql("truncate invoice_lock.billing_attempt");
            host.sql("truncate invoices");
            provider.clear();
            anomalies.clear();
        }

        // ---- small hands

        private void insert(List<Long> ids, @Nullable Answer answer) {
            if (answer != null) {
                ids.forEach(id -> account(id).willAnswer(answer));
            }
            if (!ids.isEmpty()) {
                host.sql("insert into invoices (id) select unnest(" + array(ids) + ")");
            }
        }

        private void update(List<Long> ids, String set) {
            host.sql("update invoices set " + set + " where id = any(" + array(ids) + ")");
        }

        private void pass(Predicate<MatrixCell> which, Duration time) {
            String by = " - " + time.toSeconds() + " * interval '1 second'";
            host.sql("update invoice_lock.billing_attempt set started_at = started_at" + by + ", due_at = due_at" + by
                    + ", lease_until = lease_until" + by + " where invoice_id = any(" + array(ids(which))
                    + "::text[])");
            if (time.compareTo(MatrixProvider.WINDOW) > 0) {
                ids(which).forEach(id -> account(id).forgetKeys());
            }
        }

        private Connection hold(Predicate<MatrixCell> which) {
            Connection connection = host.connection();
            try {
                connection.setAutoCommit(false);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            TestHost.execute(connection, "select 1 from invoices where id = any(" + array(ids(which)) + ") for update");
            return connection;
        }

        private void rollback(Connection connection) {
            try {
                connection.rollback();
                connection.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        private void each(Predicate<MatrixCell> which, Consumer<Long> work) {
            List<Future<?>> all = ids(which).stream()
                    .<Future<?>>map(id -> hands.submit(() -> work.accept(id)))
                    .toList();
            for (Future<?> one : all) {
                try {
                    one.get();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        private List<Long> ids(Predicate<MatrixCell> which) {
            List<Long> ids = new ArrayList<>();
            cells.forEach((id, cell) -> {
                if (which.test(cell)) {
                    ids.add(id);
                }
            });
            return ids;
        }

        private String array(List<Long> ids) {
            return "'{" + ids.stream().map(String::valueOf).collect(Collectors.joining(",")) + "}'::bigint[]";
        }

        private InvoiceJudge look() {
            return InvoiceJudge.of(host, running(server), "invoices", anomalies);
        }

        private void fail(long id, String what, InvoiceJudge now) {
            String kind = what.replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "KEY")
                    .replaceAll("(was sent with) .*", "$1 two requests");
            synchronized (failures) {
                failures.computeIfAbsent(kind, k -> new ArrayList<>())
                        .add(cell(id).name() + "\n" + now.describe(String.valueOf(id)) + "\n    " + account(id));
            }
        }
    }

    private MatrixAccount account(long id) {
        return provider.account(id);
    }

    private static LockingInvoiceBiller running(@Nullable LockingInvoiceBiller biller) {
        if (biller == null) {
            throw new IllegalStateException("The world is not built yet");
        }
        return biller;
    }
}
