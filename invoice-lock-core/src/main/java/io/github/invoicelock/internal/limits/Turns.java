package io.github.invoicelock.internal.limits;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One at a time for each customer: what a run has read and not yet taken up, by customer. It offers an invoice of each customer of whom
 * none is being called. Thread-safe. Only spares claims in vain; the journal alone decides who has a customer's place.
 */
public final class Turns {
    /** Ids of invoices; what is read beyond is left to the run's next pass. */
    private static final int MOST = 10_000;

    private static final int MOST_OF_ONE = 100;

    private final Map<String, Deque<String>> waiting = new LinkedHashMap<>();
    private final Map<String, String> customersCalled = new HashMap<>();
    private final Set<String> calling = new HashSet<>();
    private Set<String> takenElsewhere = Set.of();
    private int size;
    private int left;
    private int called;
    private boolean passedOver;

    /** What a customer is called by whom nothing is held up. */
    private static String nobody(String invoiceId) {
        return "\u0000" + invoiceId;
    }

    /** One more that waits for its turn. */
    public synchronized void add(String invoiceId, @Nullable String customer) {
        String whose = customer == null ? nobody(invoiceId) : customer;
        Deque<String> theirs = waiting.getOrDefault(whose, new ArrayDeque<>());
        if (size >= MOST || theirs.size() >= MOST_OF_ONE) {
            passedOver = true;
        } else {
            theirs.addLast(invoiceId);
            waiting.put(whose, theirs);
            size++;
        }
    }

    /** Whether there is one of a customer of whom none is being called. */
    public synchronized boolean some() {
        return waiting.keySet().stream().anyMatch(this::mayBeCalled);
    }

    private boolean mayBeCalled(String customer) {
        return !calling.contains(customer) && !takenElsewhere.contains(customer);
    }

    /** The next one of a customer of whom none is being called; null if there is none. */
    public synchronized @Nullable String next() {
        String customer =
                waiting.keySet().stream().filter(this::mayBeCalled).findFirst().orElse(null);
        if (customer == null) {
            return null;
        }
        Deque<String> theirs = requireNonNull(waiting.get(customer));
        String invoiceId = theirs.removeFirst();
        if (theirs.isEmpty()) {
            waiting.remove(customer);
        }
        size--;
        calling.add(customer);
        customersCalled.put(invoiceId, customer);
        return invoiceId;
    }

    /** It was called, and is fresh no more: the next one of its customer may be. */
    public synchronized void called(String invoiceId) {
        if (customersCalled.containsKey(invoiceId)) {
            called++;
        }
        leave(invoiceId);
    }

    /** It was not to be called: the next one of its customer may be. */
    public synchronized void leave(String invoiceId) {
        String customer = customersCalled.remove(invoiceId);
        if (customer != null) {
            calling.remove(customer);
            left++;
            notifyAll();
        }
    }

    /** Another had its row: whether it is billed is seen by another pass. */
    public synchronized void passOver(String invoiceId) {
        passedOver = true;
        leave(invoiceId);
    }

    /** Another invoice of its customer is being called elsewhere: it waits on. */
    public synchronized void wait(String invoiceId) {
        String customer = customersCalled.get(invoiceId);
        if (customer != null) {
            waiting.computeIfAbsent(customer, c -> new ArrayDeque<>()).addFirst(invoiceId);
            size++;
            Set<String> taken = new HashSet<>(takenElsewhere);
            taken.add(customer);
            takenElsewhere = taken;
        }
        leave(invoiceId);
    }

    /** Whose places are taken by now. */
    public synchronized void taken(Set<String> customers) {
        takenElsewhere = Set.copyOf(customers);
    }

    /** Whether something waits, and no more is to be read before it has had its turn. */
    public synchronized boolean full() {
        return size >= MOST;
    }

    /**
     * Waits a moment for one that is called to leave.
     *
     * @return false if nothing waits, or none is being called by this run: others will go on with what waits
     */
    public synchronized boolean await(long millis) throws InterruptedException {
        if (waiting.isEmpty() || calling.isEmpty()) {
            return false;
        }
        int before = left;
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long rest = millis; left == before && rest > 0; rest = (end - System.nanoTime()) / 1_000_000) {
            wait(rest);
        }
        return true;
    }

    /**
     * Ends a pass, with what waits behind others' calls.
     *
     * @return whether another pass may find something: one was passed over, and others were called meanwhile
     */
    public synchronized boolean passAgain() {
        boolean again = called > 0 && (passedOver || !waiting.isEmpty());
        waiting.clear();
        size = 0;
        called = 0;
        passedOver = false;
        return again;
    }
}
