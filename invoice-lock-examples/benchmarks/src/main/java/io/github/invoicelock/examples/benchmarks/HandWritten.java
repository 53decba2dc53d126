package io.github.invoicelock.examples.benchmarks;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The same journal in plain JDBC, by hand and for this benchmark only: the upper bound of what a library over these tables can reach.
 * Claims of 500 with the snapshot in one statement, two settlers that write whatever is there in two statements of one transaction, four
 * connections. It takes over nothing, asks nothing, and handles no outcome but "billed".
 */
final class HandWritten implements Contestant {
    private static final int CLAIMERS = 2;
    private static final int SETTLERS = 2;
    private static final int MOST_CLAIMED_AT_ONCE = 500;
    private static final int CLAIMS_UNDER_WAY = 4;
    private static final int SETTLED_AT_ONCE = 500;
    /** One empty claim may only have met what the other claimer committed since the statement began. */
    private static final int EMPTY_CLAIMS = 3;
    /** Where the provider answers at once, more threads only take the processor from one another. */
    private static final int BUSY_THREADS = 20;

    private static final String CLAIM = """
            insert into invoice_lock.billing_attempt
              (biller, invoice_id, number, idempotency_key, state, due_at, lease_until, owner, started_at, invoice)
            select 'invoices', i.id::text, 1,
                   left(encode(sha256(convert_to('invoices' || i.id::text, 'UTF8')), 'hex'), 36), 'STARTED',
                   clock_timestamp() + interval '40 seconds', clock_timestamp() + interval '40 seconds', 'by hand', clock_timestamp(), to_jsonb(i)
            from (select * from invoices
                  where pending and id > ? and (billable or not ?)
                    and (select 1 from invoice_lock.billing_attempt a
                         where a.biller = 'invoices' and a.invoice_id = invoices.id::text limit 1) is null
                  order by id limit ? for update skip locked) i
            on conflict do nothing
            returning id, invoice_id, idempotency_key, invoice""";
    private static final String MARK = """
            update invoices set pending = false
            where id = any(array(select id from invoices where id = any(?) order by id for update skip locked))
            returning id""";
    /** No join: one with unnest(?) is planned for ten rows, and with statistics of an empty journal reads all of it for each of them. */
    private static final String SETTLE = """
            update invoice_lock.billing_attempt
            set state = 'BILLED', reference = jsonb_object(?::text[], ?::text[]) ->> id::text,
                due_at = null, settled_at = clock_timestamp(), calls = calls + 1, invoice = null
            where id = any(?::bigint[]) and state <> 'BILLED'""";
    /**
     * A plan that was cached, or made by statistics, while the journal was empty reads all of it later, once for each invoice. What it costs
     * by the planner's reckoning then has each claim compiled, where the server can, which takes longer than the claim.
     */
    private static final String PLANS = "set plan_cache_mode = force_custom_plan; set enable_seqscan = off; "
            + "set enable_hashjoin = off; set enable_mergejoin = off; set jit = off; ";

    private final Job job;
    private final Provider provider;
    private final int atOnce;
    /** So that the calls of one claim wait while the next is made. */
    private final int claimedAtOnce;

    private final Semaphore slots;
    private final AtomicLong position = new AtomicLong();
    private final AtomicInteger claimersAtWork = new AtomicInteger(CLAIMERS);
    private final BlockingQueue<Charged> charged = new LinkedBlockingQueue<>();
    /** Charged and journaled, and locked by a claim just when they were to be marked. */
    private final Queue<Long> held = new ConcurrentLinkedQueue<>();

    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    private @Nullable DataSource pool;

    private record Charged(long attempt, long invoice, String reference) {}

    HandWritten(Job job, Provider provider) {
        this.job = job;
        this.provider = provider;
        atOnce = job.slots().calls();
        claimedAtOnce = Math.max(1, Math.min(MOST_CLAIMED_AT_ONCE, atOnce / CLAIMS_UNDER_WAY));
        slots = new Semaphore(atOnce, true);
    }

    @Override
    public void prepare(boolean first) {
        pool = job.pool(CLAIMERS + SETTLERS);
    }

    @Override
    public void bill() throws Exception {
        long end = System.nanoTime() + job.longest().toNanos();
        AtomicInteger role = new AtomicInteger();
        ExecutorService calls = Threads.forCalls(job.providerIsSlow() ? atOnce : BUSY_THREADS);
        try {
            Threads.run(CLAIMERS + SETTLERS, () -> {
                try (Connection connection = Objects.requireNonNull(pool).getConnection()) {
                    connection.setAutoCommit(false);
                    if (role.getAndIncrement() < CLAIMERS) {
                        claim(connection, calls, end);
                    } else {
                        settle(connection);
                    }
                }
                return null;
            });
        } finally {
            calls.shutdownNow();
        }
        Exception failed = failure.get();
        if (failed != null) {
            throw failed;
        }
    }

    private void claim(Connection connection, ExecutorService calls, long end)
            throws SQLException, InterruptedException {
        try (Statement session = connection.createStatement();
                PreparedStatement claim = connection.prepareStatement(CLAIM)) {
            // One that is made by statistics of an empty table reads and sorts all that is pending.
            session.execute(PLANS + "set enable_sort = off");
            int empty = 0;
            while (empty < EMPTY_CLAIMS && System.nanoTime() < end) {
                slots.acquire(claimedAtOnce);
                int claimed = 0;
                claim.setLong(1, position.get());
                claim.setBoolean(2, job.mix() == Mix.HALF_NOT_BILLABLE);
                claim.setInt(3, claimedAtOnce);
                List<Runnable> next = new ArrayList<>(claimedAtOnce);
                try (ResultSet rows = claim.executeQuery()) {
                    long last = 0;
                    while (rows.next()) {
                        long attempt = rows.getLong(1);
                        long invoice = rows.getLong(2);
                        rows.getString(3);
                        rows.getString(4);
                        last = Math.max(last, invoice);
                        next.add(() -> call(attempt, invoice));
                        claimed++;
                    }
                    long forward = last;
                    position.updateAndGet(before -> Math.max(before, forward));
                }
                // Journal first: committed before the provider is called.
                connection.commit();
                next.forEach(calls::execute);
                slots.release(claimedAtOnce - claimed);
                empty = claimed == 0 ? empty + 1 : 0;
            }
        } finally {
            claimersAtWork.decrementAndGet();
        }
    }

    private void call(long attempt, long invoice) {
        try {
            charged.add(new Charged(attempt, invoice, provider.charge(invoice)));
        } catch (InterruptedException | RuntimeException e) {
            failure.set(e);
        }
    }

    private void settle(Connection connection) throws SQLException, InterruptedException {
        try (Statement session = connection.createStatement();
                PreparedStatement mark = connection.prepareStatement(MARK);
                PreparedStatement settle = connection.prepareStatement(SETTLE)) {
            session.execute(PLANS + "set enable_sort = on");
            List<Charged> batch = new ArrayList<>(SETTLED_AT_ONCE);
            while (failure.get() == null && (claimersAtWork.get() > 0 || slots.availablePermits() < atOnce)) {
                Charged one = charged.poll(20, TimeUnit.MILLISECONDS);
                if (one != null) {
                    batch.add(one);
                    charged.drainTo(batch, SETTLED_AT_ONCE - 1);
                    settle(connection, mark, settle, batch);
                    slots.release(batch.size());
                    batch.clear();
                }
            }
            // Nobody holds them any more: claims are over.
            for (Long invoice = held.poll(); invoice != null; invoice = held.poll()) {
                mark.setArray(1, connection.createArrayOf("bigint", new Object[] {invoice}));
                mark.executeQuery().close();
            }
            connection.commit();
        }
    }

    private void settle(Connection connection, PreparedStatement mark, PreparedStatement settle, List<Charged> batch)
            throws SQLException {
        Array invoices = connection.createArrayOf(
                "bigint", batch.stream().map(Charged::invoice).toArray());
        mark.setArray(1, invoices);
        Set<Long> marked = new HashSet<>();
        try (ResultSet rows = mark.executeQuery()) {
            while (rows.next()) {
                marked.add(rows.getLong(1));
            }
        }
        Object[] attempts = batch.stream().map(Charged::attempt).toArray();
        settle.setArray(1, connection.createArrayOf("text", attempts));
        settle.setArray(
                2,
                connection.createArrayOf(
                        "text", batch.stream().map(Charged::reference).toArray()));
        settle.setArray(3, connection.createArrayOf("bigint", attempts));
        settle.executeUpdate();
        connection.commit();
        batch.stream()
                .map(Charged::invoice)
                .filter(invoice -> !marked.contains(invoice))
                .forEach(held::add);
    }
}
