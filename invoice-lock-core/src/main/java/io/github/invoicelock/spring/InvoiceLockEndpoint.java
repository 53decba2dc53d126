package io.github.invoicelock.spring;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.InvoiceNotMarkedException;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.WordRefusedException;
import java.security.Principal;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

/**
 * The actuator endpoint {@code invoicelock}, for scripts and JMX. Everybody who may reach it may read it: it holds nothing of an invoice but its
 * id. Decisions are there, and closed until {@code management.endpoint.invoicelock.access=unrestricted}; and while
 * {@code invoice-lock.console.second-person} is true, in any case.
 *
 * <p>Two segments of a path say what is meant, because Spring Boot's endpoints know no fixed ones.
 */
@Endpoint(id = "invoicelock", defaultAccess = Access.READ_ONLY)
public final class InvoiceLockEndpoint {
    static final int PAGE = 50;

    private final Map<String, LockingInvoiceBiller> billers = new TreeMap<>();
    private final Set<String> twice = new HashSet<>();
    private final boolean secondPerson;

    /**
     * Of all billers.
     *
     * @param billers not closed here
     * @param secondPerson whether the host asks for a second person, whom nobody can show here
     */
    InvoiceLockEndpoint(Collection<LockingInvoiceBiller> billers, boolean secondPerson) {
        this.secondPerson = secondPerson;
        for (LockingInvoiceBiller biller : billers) {
            if (this.billers.put(biller.name(), biller) != null) {
                twice.add(biller.name());
            }
        }
    }

    /**
     * How things stand with all billers.
     *
     * @return by their names
     */
    @ReadOperation
    public Map<String, Object> billers() {
        Map<String, Object> all = new LinkedHashMap<>();
        billers.forEach((name, biller) -> all.put(name, JournalDetails.of(name, biller.status())));
        return all;
    }

    /**
     * How things stand with one biller.
     *
     * @param biller its name
     * @return null if there is none of that name
     */
    @ReadOperation
    public @Nullable Map<String, Object> biller(@Selector String biller) {
        LockingInvoiceBiller one = billers.get(biller);
        return one == null ? null : JournalDetails.of(biller, one.status());
    }

    /**
     * The attempts that wait for a person, by cause.
     *
     * @param biller its name
     * @param list waiting
     * @param size of a page, 1 to 1,000; 50 by default
     * @param after what the page before says to be next
     * @return null if there is no such biller or list
     */
    @ReadOperation
    @SuppressWarnings("deprecation") // Spring Boot 3 knows that annotation alone
    public @Nullable Map<String, Object> list(
            @Selector String biller,
            @Selector String list,
            @org.springframework.lang.Nullable @Nullable Integer size,
            @org.springframework.lang.Nullable @Nullable String after) {
        LockingInvoiceBiller one = billers.get(biller);
        if (one == null || !list.equals("waiting")) {
            return null;
        }
        Page<BillingAttempt> page;
        try {
            page = Waiting.page(one, PageRequest.first(size == null ? PAGE : size), after);
        } catch (IllegalArgumentException e) {
            throw new InvalidEndpointRequestException(
                    String.valueOf(e.getMessage()), String.valueOf(e.getMessage()), e);
        }
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("waiting", page.rows().stream().map(AttemptDetails::of).toList());
        if (page.next() != null) {
            shown.put("next", page.next());
        }
        return shown;
    }

    /**
     * What happened to one invoice, and what a person can do about it now.
     *
     * @param biller its name
     * @param list invoices
     * @param invoice its id
     * @return null if there is no such biller, list or attempt
     */
    @ReadOperation
    public @Nullable Map<String, Object> invoice(
            @Selector String biller, @Selector String list, @Selector String invoice) {
        LockingInvoiceBiller one = billers.get(biller);
        return one == null || !list.equals("invoices") ? null : told(one, invoice);
    }

    private static @Nullable Map<String, Object> told(LockingInvoiceBiller biller, String invoice) {
        try {
            List<BillingAttempt> attempts = biller.attempts(invoice);
            if (attempts.isEmpty()) {
                return null;
            }
            Map<String, Object> told = new LinkedHashMap<>();
            told.put("invoice", invoice);
            told.put("attempts", attempts.stream().map(AttemptDetails::of).toList());
            told.put(
                    "history",
                    biller.history(invoice).stream().map(AttemptDetails::of).toList());
            told.put("advice", AttemptDetails.of(biller.advice(attempts.get(attempts.size() - 1))));
            return told;
        } catch (InvoiceLockException e) {
            throw refused(e);
        }
    }

    /**
     * Stops billing on all servers, or lets it go on.
     *
     * @param security whose word it is
     * @param biller its name
     * @param word pause or resume
     * @param who where nobody is logged in
     * @param why for a pause
     * @return how things stand then
     */
    @WriteOperation
    @SuppressWarnings("deprecation")
    public Map<String, Object> say(
            SecurityContext security,
            @Selector String biller,
            @Selector String word,
            @org.springframework.lang.Nullable @Nullable String who,
            @org.springframework.lang.Nullable @Nullable String why) {
        LockingInvoiceBiller one = known(biller);
        String person = person(security, who);
        try {
            switch (word) {
                case "pause" -> one.pause(person, given("why", why));
                case "resume" -> one.resume(person);
                default -> throw invalid("There is no word \"" + word + "\"; there are pause and resume.");
            }
        } catch (InvoiceLockException e) {
            throw refused(e);
        }
        return JournalDetails.of(biller, one.status());
    }

    /**
     * A person decides on an invoice's newest attempt, or has the provider asked.
     *
     * @param security whose word it is
     * @param biller its name
     * @param word retry, ask, billed, declined, accepted or not-billed
     * @param invoice its id
     * @param who where nobody is logged in
     * @param note how they know; needed for all but ask
     * @param reference the provider's; needed for billed and accepted
     * @param code why it was refused; needed for declined
     * @param seen what the endpoint showed of the attempt, under that name: what has changed since is refused. Left out, it is decided on
     *     whatever it is by now
     * @return what happened to it, with the answer if it was asked, and why its row is not marked yet if that failed
     */
    @WriteOperation
    @SuppressWarnings("deprecation")
    public @Nullable Map<String, Object> decide(
            SecurityContext security,
            @Selector String biller,
            @Selector String word,
            @Selector String invoice,
            @org.springframework.lang.Nullable @Nullable String who,
            @org.springframework.lang.Nullable @Nullable String note,
            @org.springframework.lang.Nullable @Nullable String reference,
            @org.springframework.lang.Nullable @Nullable String code,
            @org.springframework.lang.Nullable @Nullable String seen) {
        LockingInvoiceBiller one = known(biller);
        String person = person(security, who);
        String answer = null;
        String notMarked = null;
        try {
            if (word.equals("ask")) {
                answer = one.ask(invoice, person).toString();
            } else {
                refuseOnePersonAlone();
                BillingOutcome outcome = word.equals("retry") ? null : Words.outcome(word, note, reference, code);
                decide(one, new Word(invoice, seen, given("note", note), person), outcome);
            }
        } catch (InvoiceNotMarkedException e) {
            notMarked = e.getMessage();
        } catch (InvoiceLockException e) {
            throw refused(e);
        }
        Map<String, Object> told = told(one, invoice);
        if (told != null && notMarked != null) {
            told.put("notMarked", notMarked);
        }
        if (told != null && answer != null) {
            told.put("answer", answer);
        }
        return told;
    }

    /** Who says so of what. */
    private record Word(String invoice, @Nullable String seen, String note, String who) {}

    private static void decide(LockingInvoiceBiller biller, Word word, @Nullable BillingOutcome outcome) {
        // Without what was seen, it is said of whatever the invoice is by now.
        BillingAttempt seen = word.seen() == null ? null : SeenDetails.in(biller, word.invoice(), word.seen());
        if (outcome == null) {
            if (seen == null) {
                biller.retry(word.invoice(), word.note(), word.who());
            } else {
                biller.retry(seen, word.note(), word.who());
            }
        } else if (seen == null) {
            biller.resolve(word.invoice(), outcome, word.note(), word.who());
        } else {
            biller.resolve(seen, outcome, word.note(), word.who());
        }
    }

    private void refuseOnePersonAlone() {
        if (secondPerson) {
            throw invalid(
                    "invoice-lock.console.second-person is true, and the endpoint knows one person alone. Decide in the console, "
                            + "where a second person can agree, or set the property to false.");
        }
    }

    private LockingInvoiceBiller known(String biller) {
        if (twice.contains(biller)) {
            throw invalid("There are two billers called \"" + biller + "\"; call LockingInvoiceBiller itself.");
        }
        LockingInvoiceBiller one = billers.get(biller);
        if (one == null) {
            throw invalid(
                    "There is no biller \"" + biller + "\"; there are " + String.join(", ", billers.keySet()) + ".");
        }
        return one;
    }

    /** Who is logged in speaks for nobody else. */
    private static String person(SecurityContext security, @Nullable String who) {
        Principal principal = security.getPrincipal();
        return principal == null ? given("who", who) : principal.getName();
    }

    static String given(String parameter, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw invalid("\"" + parameter + "\" is missing; it is kept with the decision.");
        }
        return value;
    }

    static InvalidEndpointRequestException invalid(String message) {
        return new InvalidEndpointRequestException(message, message);
    }

    /** Of a database that cannot be asked nobody knows what was done: that is no refusal. */
    private static InvalidEndpointRequestException refused(InvoiceLockException e) {
        if (e instanceof DatabaseException) {
            throw e;
        }
        String reason = (e instanceof WordRefusedException word ? word.refusal() + ": " : "") + e.getMessage();
        return new InvalidEndpointRequestException(reason, reason, e);
    }
}
