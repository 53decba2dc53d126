package io.github.invoicelock;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jooq.DSLContext;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/**
 * All code that a host may hand to a biller, and an enemy at one place of it (R20): gateway, hook, policy, executor and a listener do what a
 * healthy host's do, but for one deed, at the first calls of one of their methods. Behind the gateway is a ledger, which is the judge.
 */
final class HostileHost implements BillingGateway {
    /** Where the library calls the host's code. */
    enum Place {
        /** Before anything reaches the provider. */
        BILL,
        /** After the provider charged. */
        BILL_ANSWER,
        FIND,
        IDEMPOTENCY_WINDOW,
        FIND_LAG,
        HOOK,
        POLICY,
        EXECUTOR,
        CLAIMED,
        SETTLED,
        CONTENDED,
        TAKEN_OVER,
        WITHDRAWN,
        PARKED,
        ANOMALY,
        CLAIM_TOOK,
        SETTLE_TOOK,
        RUN_ENDED
    }

    /** What it does there. */
    enum Deed {
        THROWS_A_RUNTIME_EXCEPTION,
        THROWS_A_CHECKED_EXCEPTION,
        THROWS_AN_ASSERTION_ERROR,
        THROWS_A_NO_CLASS_DEF_FOUND_ERROR,
        THROWS_AN_OUT_OF_MEMORY_ERROR,
        THROWS_A_STACK_OVERFLOW_ERROR,
        /** Until it is interrupted, or the test lets it go. */
        BLOCKS,
        /** Until the test lets it go. */
        BLOCKS_WHOEVER_INTERRUPTS,
        ANSWERS_NULL,
        ANSWERS_EXTREMES,
        /** A statement of the hook's fails, which it does not tell. */
        SPOILS_THE_TRANSACTION,
        ROLLS_BACK,
        COMMITS,
        /** The executor's. */
        DROPS_THE_TASK,
        RUNS_THE_TASK_TWICE,
        RUNS_THE_TASK_LATE,
        RUNS_THE_TASK_LATE_AND_THROWS,
        CALLS_BILL_PENDING,
        CALLS_RECOVER,
        CALLS_REPORT,
        CALLS_STATUS,
        CALLS_ATTEMPTS,
        CALLS_CLOSE
    }

    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);
    private static final ThreadLocal<Boolean> LATE = ThreadLocal.withInitial(() -> false);
    private static final String HUGE = "x".repeat(1 << 20);

    private final TestProvider.Askable provider;
    private final Place place;
    private final Deed deed;
    private final int most;
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicInteger deeds = new AtomicInteger();
    private final CountDownLatch letGo = new CountDownLatch(1);
    private final Set<String> heard = ConcurrentHashMap.newKeySet();
    private final List<BillingRun> inner = new CopyOnWriteArrayList<>();
    private final List<RuntimeException> refusals = new CopyOnWriteArrayList<>();
    private final Queue<Runnable> tasksForLater = new ConcurrentLinkedQueue<>();
    private final AtomicInteger callsFromLateTasks = new AtomicInteger();
    private final AtomicInteger callsBackUnderWay = new AtomicInteger();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "hostile-executor");
        thread.setDaemon(true);
        return thread;
    });
    private volatile boolean hostile = true;
    private volatile String lastKey = "none";
    private volatile @Nullable LockingInvoiceBiller biller;

    HostileHost(TestProvider.Askable provider, Place place, Deed deed, int most) {
        this.provider = provider;
        this.place = place;
        this.deed = deed;
        this.most = most;
    }

    /** The biller that is called back. */
    void calls(LockingInvoiceBiller back) {
        this.biller = back;
    }

    LockingInvoiceBiller.Builder configure(LockingInvoiceBiller.Builder builder) {
        builder.onBilled(hook()).listener(listener()).retryPolicy(policy());
        return place == Place.EXECUTOR ? builder.executor(executor()) : builder;
    }

    /** Lets go what blocks. */
    void letGo() {
        letGo.countDown();
    }

    /** From now on it is a healthy host. */
    void makePeace() {
        hostile = false;
        letGo.countDown();
        for (Runnable task = tasksForLater.poll(); task != null; task = tasksForLater.poll()) {
            LATE.set(true);
            try {
                task.run();
            } finally {
                LATE.set(false);
            }
        }
    }

    void end() {
        letGo.countDown();
        threads.shutdownNow();
    }

    /** How often the deed was done. */
    int deeds() {
        return deeds.get();
    }

    /** Keys of charges that the gateway answered. */
    Set<String> heard() {
        return heard;
    }

    /** What runs did that were called from inside. */
    List<BillingRun> inner() {
        return inner;
    }

    /** Calls from inside that have not returned yet: the library does not wait for them for ever. */
    int callsBackUnderWay() {
        return callsBackUnderWay.get();
    }

    /** What the library answered a call from inside with. */
    List<RuntimeException> refusals() {
        return refusals;
    }

    /** Calls that left when nobody waited for them any more. */
    int callsFromLateTasks() {
        return callsFromLateTasks.get();
    }

    @Override
    public BillingOutcome bill(BillingRequest request) throws Exception {
        if (LATE.get()) {
            callsFromLateTasks.incrementAndGet();
        }
        lastKey = request.idempotencyKey();
        BillingOutcome instead = at(Place.BILL, request);
        if (instead != null) {
            return instead.equals(NOTHING) ? nothing() : instead;
        }
        BillingOutcome outcome = provider.bill(request);
        instead = at(Place.BILL_ANSWER, request);
        if (instead != null && instead.equals(NOTHING)) {
            return nothing();
        }
        BillingOutcome answer = instead == null ? outcome : instead;
        if (answer instanceof BillingOutcome.Billed) {
            heard.add(request.idempotencyKey());
        }
        return answer;
    }

    @Override
    public boolean canBeAsked() {
        return true;
    }

    @Override
    public BillingOutcome find(BillingRequest request) throws Exception {
        lastKey = request.idempotencyKey();
        BillingOutcome instead = at(Place.FIND, request);
        if (instead != null) {
            return instead.equals(NOTHING) ? nothing() : instead;
        }
        return provider.find(request);
    }

    @Override
    public Duration idempotencyWindow() {
        return orExtreme(Place.IDEMPOTENCY_WINDOW, provider.idempotencyWindow());
    }

    @Override
    public Duration findLag() {
        return orExtreme(Place.FIND_LAG, provider.findLag());
    }

    private Duration orExtreme(Place here, Duration usual) {
        if (!strikes(here)) {
            return usual;
        }
        return switch (deed) {
            case ANSWERS_NULL -> nothing();
            case ANSWERS_EXTREMES -> FOREVER;
            default -> {
                doIt(here, lastKey);
                yield usual;
            }
        };
    }

    /** Stands for null, which a variable of ours may not hold. */
    private static final BillingOutcome NOTHING = BillingOutcome.unknown("nothing");

    /** What the gateway answers instead of the truth; null: the truth. */
    private @Nullable BillingOutcome at(Place here, BillingRequest request) throws Exception {
        if (!strikes(here)) {
            return null;
        }
        boolean charged = here == Place.BILL_ANSWER;
        return switch (deed) {
            case THROWS_A_CHECKED_EXCEPTION -> throw new IOException("Connection reset");
            case ANSWERS_NULL -> NOTHING;
            case ANSWERS_EXTREMES ->
                switch (deeds.get() % 4) {
                    case 1 -> charged ? BillingOutcome.billed(HUGE) : unbilled(here, FOREVER);
                    case 2 -> BillingOutcome.accepted(HUGE, FOREVER);
                    case 3 -> charged ? BillingOutcome.unknown(HUGE) : unbilled(here, Duration.ofNanos(1));
                    default -> BillingOutcome.accepted("dd", Duration.ofNanos(1));
                };
            default -> {
                boolean wasLetGo = doIt(here, request.idempotencyKey());
                // Where the call was cut off, nothing may be sent any more: the library cannot keep a host from it.
                yield wasLetGo && !charged ? BillingOutcome.notBilled("It was late, and not sent.") : null;
            }
        };
    }

    /** Of what is asked about we know nothing, and it would be a lie that it was never seen. */
    private static BillingOutcome unbilled(Place here, Duration retryAfter) {
        return here == Place.FIND ? BillingOutcome.unknown(HUGE) : BillingOutcome.notBilled(HUGE, retryAfter);
    }

    private BilledHook hook() {
        return (transaction, attempt, reference) -> {
            lastKey = attempt.idempotencyKey();
            if (!strikes(Place.HOOK)) {
                return;
            }
            switch (deed) {
                case SPOILS_THE_TRANSACTION -> {
                    try {
                        transaction.execute("select 1 / 0");
                    } catch (DataAccessException e) {
                        // The host "handled" it.
                        lastKey = attempt.idempotencyKey();
                    }
                }
                case ROLLS_BACK -> end(transaction, true);
                case COMMITS -> end(transaction, false);
                default -> doIt(Place.HOOK, attempt.idempotencyKey());
            }
        };
    }

    private static void end(DSLContext transaction, boolean rollback) {
        transaction.connection(connection -> {
            if (rollback) {
                connection.rollback();
            } else {
                connection.commit();
            }
        });
    }

    private RetryPolicy policy() {
        return attempt -> {
            Optional<Duration> usual =
                    attempt.state() == AttemptState.DECLINED ? Optional.empty() : Optional.of(Duration.ZERO);
            if (!strikes(Place.POLICY)) {
                return usual;
            }
            return switch (deed) {
                case ANSWERS_NULL -> nothing();
                case ANSWERS_EXTREMES ->
                    Optional.of(deeds.get() % 2 == 1 ? FOREVER : Duration.ofSeconds(Long.MIN_VALUE));
                default -> {
                    doIt(Place.POLICY, attempt.idempotencyKey());
                    yield usual;
                }
            };
        };
    }

    private Executor executor() {
        return task -> {
            if (!strikes(Place.EXECUTOR)) {
                threads.execute(task);
                return;
            }
            switch (deed) {
                case THROWS_A_RUNTIME_EXCEPTION -> throw new RejectedExecutionException("full");
                case DROPS_THE_TASK -> {}
                case RUNS_THE_TASK_TWICE -> {
                    threads.execute(task);
                    threads.execute(task);
                }
                case RUNS_THE_TASK_LATE -> tasksForLater.add(task);
                case RUNS_THE_TASK_LATE_AND_THROWS -> {
                    tasksForLater.add(task);
                    throw new OutOfMemoryError("unable to create native thread");
                }
                default -> {
                    doIt(Place.EXECUTOR, lastKey);
                    threads.execute(task);
                }
            }
        };
    }

    private BillingListener listener() {
        return new BillingListener() {
            @Override
            public void claimed(BillingAttempt attempt) {
                doAt(Place.CLAIMED, attempt.idempotencyKey());
            }

            @Override
            public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                doAt(Place.SETTLED, attempt.idempotencyKey());
            }

            @Override
            public void contended(String invoiceId) {
                doAt(Place.CONTENDED, lastKey);
            }

            @Override
            public void takenOver(BillingAttempt attempt) {
                doAt(Place.TAKEN_OVER, attempt.idempotencyKey());
            }

            @Override
            public void withdrawn(BillingAttempt attempt) {
                doAt(Place.WITHDRAWN, attempt.idempotencyKey());
            }

            @Override
            public void parked(BillingAttempt attempt) {
                doAt(Place.PARKED, attempt.idempotencyKey());
            }

            @Override
            public void anomaly(String invoiceId, String what) {
                doAt(Place.ANOMALY, lastKey);
            }

            @Override
            public void claimTook(int invoices, Duration time) {
                doAt(Place.CLAIM_TOOK, lastKey);
            }

            @Override
            public void settleTook(int invoices, Duration time) {
                doAt(Place.SETTLE_TOOK, lastKey);
            }

            @Override
            public void runEnded(BillingRun run) {
                doAt(Place.RUN_ENDED, lastKey);
            }
        };
    }

    private void doAt(Place here, String key) {
        if (strikes(here)) {
            doIt(here, key);
        }
    }

    private boolean strikes(Place here) {
        boolean strikes = hostile && here == place && calls.incrementAndGet() <= most;
        if (strikes) {
            deeds.incrementAndGet();
        }
        return strikes;
    }

    /** Whether it blocked, and was let go. */
    private boolean doIt(Place here, String key) {
        String message = "hostile at " + here;
        switch (deed) {
            case THROWS_A_RUNTIME_EXCEPTION -> throw new IllegalStateException(message);
            case THROWS_AN_ASSERTION_ERROR -> throw new AssertionError(message);
            case THROWS_A_NO_CLASS_DEF_FOUND_ERROR -> throw new NoClassDefFoundError(message);
            case THROWS_AN_OUT_OF_MEMORY_ERROR -> throw new OutOfMemoryError(message);
            case THROWS_A_STACK_OVERFLOW_ERROR -> throw new StackOverflowError(message);
            case BLOCKS -> {
                try {
                    letGo.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException("interrupted", e);
                }
                return true;
            }
            case BLOCKS_WHOEVER_INTERRUPTS -> {
                awaitUninterruptibly();
                return true;
            }
            case CALLS_BILL_PENDING -> callBack(back -> inner.add(back.billPending()));
            case CALLS_RECOVER -> callBack(back -> inner.add(back.recover()));
            case CALLS_REPORT -> callBack(back -> back.report(key, BillingOutcome.billed("ch_" + key)));
            case CALLS_STATUS -> callBack(LockingInvoiceBiller::status);
            case CALLS_ATTEMPTS -> callBack(back -> back.attempts(1));
            case CALLS_CLOSE -> callBack(LockingInvoiceBiller::close);
            default -> throw new IllegalStateException(deed + " is nothing that can be done at " + here);
        }
        return false;
    }

    private void awaitUninterruptibly() {
        boolean over = false;
        while (!over) {
            try {
                over = letGo.await(10, TimeUnit.MINUTES);
            } catch (InterruptedException e) {
                over = false;
            }
        }
    }

    /** A call from inside may be refused, by an exception of the library's; the host takes that as it comes. */
    private void callBack(java.util.function.Consumer<LockingInvoiceBiller> call) {
        LockingInvoiceBiller back = biller;
        if (back == null) {
            return;
        }
        callsBackUnderWay.incrementAndGet();
        try {
            call.accept(back);
        } catch (BillingRunException e) {
            inner.add(e.run());
        } catch (InvoiceLockException | IllegalStateException e) {
            refusals.add(e);
        } finally {
            callsBackUnderWay.decrementAndGet();
        }
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // that is what is tested
    private static <T> T nothing() {
        return null;
    }
}
