package io.github.invoicelock.testkit;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * What the library relies on, checked against a host's own gateway. Extend it in a test, say where the provider's test mode or fake is,
 * make the gateway, and make an invoice: each check then runs as a test, and one that fails says what the gateway did, what it would
 * cost and what to do.
 *
 * <p>The kit puts itself between the two, so it sees every request, and it breaks what breaks in the long run: answers get lost, come
 * late, make no sense, or say 429 and 503. The gateway must send its requests to the address that it is given, over plain HTTP.
 *
 * <p>Money moves in the provider's test mode: some fifty charges in a run. Each check uses invoices and keys of its own. What no test can
 * see: how long the provider really remembers keys ({@link BillingGateway#idempotencyWindow()} is believed), and parameters whose order
 * changes from one start of the program to the next ({@code Map.of}, {@code Set.of}).
 *
 * <p>The checks of one class run one after another. A check that cannot apply (no look-up, no window) is reported as skipped, and says
 * why. To leave one out knowingly, override it with a {@code @Disabled} test.
 */
@Execution(ExecutionMode.SAME_THREAD)
public abstract class BillingGatewayContract {
    /** Ordinary calls: so much that a slow machine is not taken for a bad gateway. */
    private static final Duration AMPLE = Duration.ofSeconds(30);

    private static final int CALLS_AT_ONCE = 8;
    private static final Duration RETRY_AFTER = Duration.ofSeconds(7);
    private static final List<Integer> SERVER_ERRORS = List.of(500, 502, 503, 504);
    private static final String WEB_PAGE = "<html><body><h1>Please sign in to the network</h1></body></html>";

    private @Nullable Wire wire;

    /** For subclasses. */
    protected BillingGatewayContract() {}

    // What the host says.

    /**
     * Where the provider's test mode or fake is, without the kit: {@code https://api.stripe.com} for example. Called once for a check.
     *
     * @return an absolute http or https address; a path is kept
     */
    protected abstract URI provider();

    /**
     * Makes the gateway under test, as in production but for the address. Called several times for a check: each is another server.
     *
     * @param provider where to send requests instead of {@link #provider()}: plain HTTP on loopback, the same path
     * @return a new gateway
     */
    protected abstract BillingGateway gateway(URI provider);

    /**
     * Makes another invoice that the provider will charge, as {@link BillingRequest#invoice()} will hold it.
     *
     * @return an invoice with an id of its own and, better, an amount of its own
     */
    protected abstract Record invoice();

    /**
     * How the provider refuses a charge for good.
     *
     * @return the refusal
     */
    protected abstract Refusal refusal();

    /**
     * An invoice's id as PostgreSQL prints it.
     *
     * @param invoice one that the host made
     * @return by default, the column {@code id}
     */
    protected String idOf(Record invoice) {
        return requireNonNull(invoice.get("id", String.class), "The invoice's id is null; override idOf(Record)");
    }

    /**
     * Where a request carries the idempotency key.
     *
     * @param request one that may charge
     * @return by default, the header {@code Idempotency-Key}; empty if there is none
     */
    protected Optional<String> keyOf(SentRequest request) {
        return request.header("Idempotency-Key");
    }

    /**
     * Whether a request may move money. Override it where the gateway sends others too, that look like it: a log-in, a search by POST.
     *
     * @param request any that the gateway sent
     * @return by default, whether it is anything but GET, HEAD and OPTIONS
     */
    protected boolean charges(SentRequest request) {
        return !Set.of("GET", "HEAD", "OPTIONS").contains(request.method());
    }

    /**
     * What the provider compares when a key is sent again.
     *
     * @param request one that may charge
     * @return by default, method, path, query and every byte of the body
     */
    protected String parametersOf(SentRequest request) {
        return request + "\n" + new String(request.body(), StandardCharsets.ISO_8859_1);
    }

    /**
     * Changes the row of the host's table that an invoice was taken from, where there is one: the amount, for example.
     *
     * @param invoice one that the host made
     * @return whether there was a row to change; false by default
     */
    protected boolean changeLiveRow(Record invoice) {
        return false;
    }

    /**
     * Asks the provider, past the gateway, how often an invoice was charged.
     *
     * @param invoice one that the host made
     * @return empty (the default) if it cannot be told
     */
    protected OptionalInt countCharges(Record invoice) {
        return OptionalInt.empty();
    }

    /**
     * Whether the gateway can look up a charge.
     *
     * @return by default, whether its class has a {@code find} of its own, which is how the library decides
     */
    protected boolean canFind() {
        try {
            return connected()
                            .getClass()
                            .getMethod("find", BillingRequest.class)
                            .getDeclaringClass()
                    != BillingGateway.class;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("A BillingGateway without find", e);
        }
    }

    /**
     * Whether a call ends when its thread is interrupted. Say false where the client blocks in a socket and cannot
     * ({@code HttpURLConnection}, and what is built upon it): the time-out alone must do then.
     *
     * @return true by default
     */
    protected boolean endsWhenInterrupted() {
        return true;
    }

    /**
     * Answers of the provider that decide nothing about a charge: the credential, a request that is still under way.
     *
     * @return HTTP's statuses; by default 401, 408 and 409
     */
    protected List<Integer> undecidedStatuses() {
        return List.of(401, 408, 409);
    }

    /**
     * {@link BillingRequest#timeout()} where the provider hangs. Long enough for a request to leave.
     *
     * @return two seconds by default
     */
    protected Duration timeout() {
        return Duration.ofSeconds(2);
    }

    /**
     * How long after its time-out, or after an interruption, a call may still end.
     *
     * @return ten seconds by default
     */
    protected Duration margin() {
        return Duration.ofSeconds(10);
    }

    /** Seconds are as fine as a provider's parameters usually are. */
    Duration betweenServers() {
        return Duration.ofMillis(1_100);
    }

    // The key.

    /** Every charge carries the key that the library gave, to the letter, whichever server sends it. */
    @Test
    protected void the_key_reaches_the_provider_unchanged() {
        BillingRequest request = request(invoice());
        Conversation first = bill(request, Fault.NONE);
        Conversation second = bill(request, Fault.NONE);

        for (SentRequest charge : charging(first, second)) {
            require(
                    keyOf(charge).equals(Optional.of(request.idempotencyKey())),
                    () -> "It was given the key " + request.idempotencyKey() + " and sent " + shown(keyOf(charge))
                            + " with " + charge + ".",
                    "The library sends the same key again after a crash and counts on the provider to know it (R2, R3): under any"
                            + " other key it charges twice.",
                    "Hand request.idempotencyKey() on as it is: no prefix, no cut, no key of your own or of the client's."
                            + " If it travels elsewhere than in the header Idempotency-Key, override keyOf(SentRequest).");
        }
    }

    /** Two keys of one invoice are two keys for the provider, even if they differ in the last letter alone. */
    @Test
    protected void another_key_of_the_same_invoice_is_sent_as_another_key() {
        Record invoice = invoice();
        String key = newKey();
        String other = key.substring(0, 35) + (key.endsWith("0") ? "1" : "0");
        Conversation first = bill(request(invoice, key, 1, AMPLE), Fault.NONE);
        Conversation second = bill(request(invoice, other, 2, AMPLE), Fault.NONE);

        Set<Optional<String>> keys = new HashSet<>();
        charging(first).forEach(charge -> keys.add(keyOf(charge)));
        require(
                charging(second).stream().noneMatch(charge -> keys.contains(keyOf(charge))),
                () -> "It was given the keys " + key + " and " + other + ", and sent " + keys + " for both.",
                "A new key follows a final refusal (R2). Under the old one, the provider replays the refusal for ever and the"
                        + " invoice is never billed.",
                "Derive nothing from the invoice's id, and cut nothing off: hand request.idempotencyKey() on as it is.");
    }

    // One request for each call.

    /** One call, one charge. */
    @Test
    protected void one_call_sends_one_charge() {
        Record invoice = invoice();
        Conversation call = bill(request(invoice), Fault.NONE);

        require(
                charging(call).size() == 1,
                () -> "It sent " + shown(charging(call)) + " for one call of bill; of all that it sent, " + call.sent()
                        + ".",
                "Each of them may move money, and only one outcome is journaled (R1).",
                "Send one request that charges to the address given to gateway(URI). If the others cannot charge, say so in"
                        + " charges(SentRequest).");
        OptionalInt charges = countCharges(invoice);
        require(
                charges.isEmpty() || charges.getAsInt() == 1,
                () -> "After one call of bill the provider counts " + charges.getAsInt() + " charges.",
                "One call must charge once.",
                "See what else the gateway or its client sends.");
    }

    /** After 429 the call is over. */
    @Test
    protected void the_client_does_not_repeat_after_a_rate_limit() {
        notRepeated("429", bill(request(invoice()), Fault.insteadOfTheProvider(rateLimit())));
    }

    /** After a 5xx the call is over. */
    @Test
    protected void the_client_does_not_repeat_after_a_server_error() {
        for (int status : SERVER_ERRORS) {
            notRepeated(
                    String.valueOf(status),
                    bill(request(invoice()), Fault.insteadOfTheProvider(Reply.failure(status))));
        }
    }

    /** After a connection that broke before the answer the call is over, also on a connection that had worked before. */
    @Test
    protected void the_client_does_not_repeat_after_a_lost_answer() {
        BillingGateway gateway = connected();
        BillingRequest before = request(invoice());
        talk(gateway::bill, before, request -> false, Fault.NONE); // leaves a connection that is kept alive
        BillingRequest request = request(invoice());
        notRepeated("a lost answer", talk(gateway::bill, request, this::charges, Fault.ANSWER_LOST));
    }

    /** After a time-out the call is over. */
    @Test
    protected void the_client_does_not_repeat_after_a_time_out() {
        notRepeated("a time-out", hungBill());
    }

    /** Whatever fails, no second key appears on the wire. */
    @Test
    protected void no_failure_brings_another_key() {
        List<Fault> faults = new ArrayList<>(List.of(
                Fault.insteadOfTheProvider(rateLimit()),
                Fault.ANSWER_LOST,
                Fault.afterTheProvider(Reply.failure(409))));
        SERVER_ERRORS.forEach(status -> faults.add(Fault.afterTheProvider(Reply.failure(status))));
        for (Fault fault : faults) {
            Conversation call = bill(request(invoice()), fault);
            Set<Optional<String>> keys = new HashSet<>();
            charging(call).forEach(charge -> keys.add(keyOf(charge)));
            require(
                    keys.size() < 2,
                    () -> "In one call that failed it sent " + shown(charging(call)) + ".",
                    "The first may have charged although it failed. A second key charges again, and nothing can stop it (R2).",
                    "Never mint a key in the gateway; switch the client's own retries off.");
        }
    }

    // The same key means the same request.

    /** Another server, a second later, sends the same request under the same key. */
    @Test
    protected void the_same_key_always_sends_the_same_request() {
        BillingRequest request = request(invoice());
        Conversation first = bill(request, Fault.NONE);
        pause(betweenServers()); // a time in the request would show
        Conversation second = bill(request, Fault.NONE);

        sameParameters(
                first,
                second,
                "Take everything that is sent from request.invoice(): no clock, no random, no counter, no server's name.");
    }

    /** What is sent comes from the snapshot; the row may have changed since. */
    @Test
    protected void the_snapshot_is_sent_not_the_live_row() {
        BillingRequest request = request(invoice());
        Conversation first = bill(request, Fault.NONE);
        Assumptions.assumeTrue(
                changeLiveRow(request.invoice()), "There is no live row: override changeLiveRow(Record) if there is.");
        Conversation second = bill(request, Fault.NONE);

        sameParameters(
                first,
                second,
                "Read request.invoice() alone, never the table. What else is needed goes into the snapshot with"
                        + " InvoiceTable.including(...).");
    }

    // What bill tells.

    /** A charge is billed (or accepted) under the provider's reference, another for each charge. */
    @Test
    protected void a_charge_is_billed_under_the_providers_reference() {
        List<String> references = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Told told = bill(request(invoice()), Fault.NONE).told();
            require(
                    told.charged(),
                    () -> "The provider did not fail, and it " + told.words() + ".",
                    "A charge that is not told is not marked: at best it is asked for again, at worst it is lost.",
                    "Answer BillingOutcome.billed(reference), or accepted(reference, …) if the provider tells later. If the provider"
                            + " did refuse, invoice() must make invoices that it charges.");
            references.add(told.reference().orElseThrow());
        }
        require(
                references.stream().noneMatch(String::isBlank)
                        && !references.contains("null")
                        && !references.get(0).equals(references.get(1)),
                () -> "Of two charges, it told the references " + references + ".",
                "The reference is all that leads from an invoice to its charge: for refunds, disputes, and for a person who must"
                        + " find out.",
                "Answer with the provider's own id of the charge.");
    }

    /** A final refusal is declined. */
    @Test
    protected void a_refusal_is_declined() {
        Told told = refused(newKey()).conversation().told();
        require(
                told.declined(),
                () -> "The provider refused for good, and it " + told.words() + ".",
                told.charged()
                        ? "The invoice is marked as paid, and nobody paid: the money is lost."
                        : "Only after a refusal may a new key follow (R2); this invoice is sent again under a key that can never"
                                + " charge.",
                "Answer BillingOutcome.declined(code, reason). If the provider does not refuse, see refusal().");
    }

    /** 429 is not billed. */
    @Test
    protected void a_rate_limit_is_not_billed() {
        Told told = bill(request(invoice()), Fault.insteadOfTheProvider(rateLimit()))
                .told();
        require(
                told.notBilled(),
                () -> "The provider answered 429, and it " + told.words() + ".",
                told.declined()
                        ? "Nobody refused this charge: a busy minute would turn good invoices into refused ones."
                        : told.charged()
                                ? "The invoice is marked as paid, and nobody paid: the money is lost."
                                : "With a provider that remembers no keys, every rate-limited invoice is parked for a person.",
                "Answer BillingOutcome.notBilled(reason, retryAfter) to 429: it came before anything was done.");
    }

    /** How long the provider wants to be left alone is handed on. */
    @Test
    protected void the_providers_retry_after_is_handed_on() {
        Told told = bill(request(invoice()), Fault.insteadOfTheProvider(rateLimit()))
                .told();
        @Nullable
        Duration handedOn =
                told.outcome() instanceof BillingOutcome.NotBilled notBilled ? notBilled.retryAfter() : null;
        Assumptions.assumeTrue(
                handedOn != null,
                "Recommended: hand Retry-After on with BillingOutcome.notBilled(reason, retryAfter).");
        require(
                requireNonNull(handedOn).compareTo(RETRY_AFTER) >= 0,
                () -> "The provider answered Retry-After: 7, and it told " + handedOn + ".",
                "Coming back too soon prolongs the rate limit, and ends runs early (R11).",
                "Retry-After counts seconds; it may also be a date.");
    }

    /** After a 5xx nobody knows: the provider may have charged and failed afterwards. */
    @Test
    protected void a_server_error_is_unknown() {
        for (int status : SERVER_ERRORS) {
            unknown(
                    "The provider charged, then answered " + status,
                    bill(request(invoice()), Fault.afterTheProvider(Reply.failure(status)))
                            .told());
        }
    }

    /** After a broken connection nobody knows. */
    @Test
    protected void a_lost_answer_is_unknown() {
        unknown(
                "The provider charged, and the connection broke before its answer",
                bill(request(invoice()), Fault.ANSWER_LOST).told());
    }

    /** After a time-out nobody knows. */
    @Test
    protected void a_time_out_is_unknown() {
        Told told = hungBill().told();
        if (told.ended()) { // else it is for another check to complain
            unknown("The provider charged, and did not answer within request.timeout()", told);
        }
    }

    /** A call ends by its time-out, give or take a margin. */
    @Test
    protected void a_call_that_hangs_ends_by_its_time_out() {
        endsInTime("bill", hungBill().told());
    }

    /** A call that is interrupted ends soon (unless the host says that it cannot), and tells no more than it knows. */
    @Test
    protected void an_interrupted_call_ends_and_claims_nothing() {
        BillingRequest request =
                request(invoice(), newKey(), 1, endsWhenInterrupted() ? Duration.ofMinutes(10) : timeout());
        BillingGateway gateway = connected();
        wire().befalls(this::charges, Fault.SILENCE);
        Conversation call = Conversation.start(wire(), () -> gateway.bill(request));
        boolean sent = wire().awaits(this::charges, AMPLE);
        require(
                sent,
                () -> "Within " + AMPLE + " it sent nothing that charges.",
                "Nothing can be checked.",
                "The gateway must send its requests to the address given to gateway(URI).");
        call.interrupt();
        Told told = call.end((endsWhenInterrupted() ? Duration.ZERO : request.timeout()).plus(margin()));

        require(
                told.ended(),
                () -> "It was interrupted while the provider was silent, and " + told.words() + ".",
                "The library interrupts a call that took too long. One that stays keeps its thread: a provider that hangs uses up"
                        + " all of them.",
                "Use a client that can be interrupted, and do not swallow InterruptedException. If the client blocks in a socket,"
                        + " pass request.timeout() to it and override endsWhenInterrupted() with false.");
        unknown("The provider charged, and the call was interrupted", told);
    }

    /** Where nobody listens, nothing was billed; unknown is true as well. */
    @Test
    protected void a_refused_connection_is_no_refusal() {
        Told told;
        try (Socket taken = new Socket()) {
            taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // bound and not listening
            BillingGateway gateway = gateway(wire().at(taken.getLocalPort()));
            BillingRequest request = request(invoice());
            told = Conversation.start(wire(), () -> gateway.bill(request)).end(patience(request));
        } catch (IOException e) {
            throw new UncheckedIOException("No port on loopback could be taken", e);
        }
        require(
                told.notBilled() || told.nothingKnown(),
                () -> "The provider's port refused the connection, and it " + told.words() + ".",
                told.charged()
                        ? "The invoice is marked as paid, and nobody paid: the money is lost."
                        : "Nobody refused this charge: an outage would turn good invoices into refused ones.",
                "Answer BillingOutcome.notBilled(reason), or let the exception pass.");
    }

    /** An answer that is none tells nothing: a proxy's page, an empty body, half a body. */
    @Test
    protected void an_answer_without_sense_is_unknown() {
        Map<String, Fault> answers = new LinkedHashMap<>();
        answers.put("a web page", Fault.afterTheProvider(Reply.of(200, "text/html", WEB_PAGE)));
        answers.put("an empty body", Fault.afterTheProvider(Reply.of(200, "application/json", "")));
        answers.put("an empty object", Fault.afterTheProvider(Reply.of(200, "application/json", "{}")));
        answers.put("half of its answer", Fault.ANSWER_CUT);
        for (Map.Entry<String, Fault> answer : answers.entrySet()) {
            unknown(
                    "The provider charged, and what came back was 200 with " + answer.getKey(),
                    bill(request(invoice()), answer.getValue()).told());
        }
    }

    /** A wrong credential, or a request under the same key that is still under way, is nobody's refusal. */
    @Test
    protected void an_answer_that_decides_nothing_is_no_refusal() {
        for (int status : undecidedStatuses()) {
            Told told = bill(request(invoice()), Fault.insteadOfTheProvider(Reply.failure(status)))
                    .told();
            require(
                    told.ended() && !told.declined() && !told.charged(),
                    () -> "The provider answered " + status + ", and it " + told.words() + ".",
                    "Declined means that this key can never charge, and a new one follows (R2). 409 often says that the same key is"
                            + " just charging: the new one charges again. 401 says that no invoice was looked at.",
                    "Answer notBilled or unknown. If the provider does refuse with this status, override undecidedStatuses().");
        }
    }

    // What find tells.

    /** A charge is found at once, or after the lag that is declared. */
    @Test
    protected void find_sees_a_charge_at_once() {
        assumeFind();
        BillingRequest request = request(invoice());
        Told billed = bill(request, Fault.NONE).told();
        Told found = found(request);

        seen("A charge was made", found);
        require(
                billed.reference().isEmpty() || billed.reference().equals(found.reference()),
                () -> "bill " + billed.words() + "; find " + found.words() + ".",
                "It is another charge, or nobody will find this one by what the journal holds.",
                "Answer the same reference in both, and look up by request.idempotencyKey().");
    }

    /** Another server finds a charge of which nobody ever saw the answer: what find is for. */
    @Test
    protected void find_sees_a_charge_whose_answer_was_lost() {
        assumeFind();
        BillingRequest request = request(invoice());
        bill(request, Fault.ANSWER_LOST);

        seen("A charge was made and its answer lost", found(request));
    }

    /** A key that was never sent was never charged. */
    @Test
    protected void find_does_not_know_a_key_that_was_never_sent() {
        assumeFind();
        Told told = find(request(invoice()), Fault.NONE).told();
        require(
                told.notBilled() || told.outcome() instanceof BillingOutcome.Unknown,
                () -> "Asked for a key that was never sent, find " + told.words() + ".",
                told.outcome() == null
                        ? "An exception means that the provider could not be asked just now: the invoice is asked about again and"
                                + " again, and parked in the end."
                        : "The invoice is settled by a charge or a refusal that it never had: the money is lost.",
                "Answer BillingOutcome.notBilled(reason) if the provider does not know the key, unknown if it cannot tell.");
    }

    /** The invoice's other key is another charge. */
    @Test
    protected void find_asks_for_the_key_not_for_the_invoice() {
        assumeFind();
        Record invoice = invoice();
        BillingRequest sent = request(invoice);
        bill(sent, Fault.NONE);
        found(sent); // a lagging index has it by now

        Told told = find(request(invoice, newKey(), 2, AMPLE), Fault.NONE).told();
        require(
                told.ended() && !told.charged() && !told.declined(),
                () -> "Asked for a key that was never sent, of an invoice that was charged under another, find "
                        + told.words() + ".",
                "An invoice may have several keys: after a refusal (R2), or from two billers. The outcome of one is taken for the"
                        + " other's: a refusal that never was, or a charge that never was.",
                "Look up by request.idempotencyKey(), stored with the charge (as metadata, say), not by the invoice.");
    }

    /** A refused charge is no charge, though the provider has a record of it. */
    @Test
    protected void find_does_not_take_a_refused_charge_for_billed() {
        assumeFind();
        Assumptions.assumeTrue(
                refusal().invoices().isPresent(),
                "The kit refused in the provider's place, which knows nothing of it: use Refusal.of(…) if it can refuse by itself.");
        Refused refused = refused(newKey());
        Told told = find(refused.request(), Fault.NONE).told();
        require(
                told.ended() && !told.charged(),
                () -> "The provider refused a charge, and find " + told.words() + ".",
                "The invoice is marked as paid, and nobody paid: the money is lost.",
                "Look at the state of the charge that was found; a failed one is BillingOutcome.declined(code, reason).");
    }

    /** Asking is not charging. */
    @Test
    protected void find_sends_no_charge() {
        assumeFind();
        Record charged = invoice();
        BillingRequest known = request(charged);
        bill(known, Fault.NONE);
        Record untouched = invoice();
        List<SentRequest> charges = new ArrayList<>();
        for (BillingRequest request : List.of(known, request(untouched))) {
            charges.addAll(charging(find(request, Fault.NONE)));
        }
        OptionalInt ofCharged = countCharges(charged);
        OptionalInt ofUntouched = countCharges(untouched);
        require(
                charges.isEmpty() && ofCharged.orElse(1) == 1 && ofUntouched.orElse(0) == 0,
                () -> "In find it sent " + shown(charges) + "; the provider counts "
                        + (ofCharged.isPresent() ? ofCharged.getAsInt() + " and " + ofUntouched.getAsInt() : "no")
                        + " charges where there were 1 and 0.",
                "find is also asked for invoices that are no longer to be billed, and where the key may be forgotten (R6).",
                "Only read in find. If that request cannot charge, say so in charges(SentRequest).");
    }

    /** A look-up that fails has not seen anything, so it cannot know that there is nothing. */
    @Test
    protected void a_look_up_that_fails_is_unknown() {
        assumeFind();
        BillingRequest request = request(invoice());
        bill(request, Fault.NONE);
        Map<String, Fault> failures = new LinkedHashMap<>();
        for (int status : List.of(401, 429, 500, 503)) {
            failures.put("answered " + status, Fault.insteadOfTheProvider(Reply.failure(status)));
        }
        failures.put("broke the connection", Fault.ANSWER_LOST);
        failures.put("broke the connection in the middle of its answer", Fault.ANSWER_CUT);
        failures.put("answered 200 with a web page", Fault.insteadOfTheProvider(Reply.of(200, "text/html", WEB_PAGE)));
        for (Map.Entry<String, Fault> failure : failures.entrySet()) {
            Told told = find(request, failure.getValue()).told();
            require(
                    told.nothingKnown(),
                    () -> "When asked about a charge that was made, the provider " + failure.getKey() + ", and find "
                            + told.words() + ".",
                    told.notBilled()
                            ? "notBilled means that the provider has never seen the key. The library believes it (R7): it sends again"
                                    + " where keys are not remembered, which charges twice, or gives a charged invoice back as withdrawn."
                            : "The outcome is made up, and final.",
                    "In find, answer notBilled only where the provider says that it does not know the key; let every failure pass as"
                            + " an exception. Do not share bill's way with 429: there it means that nothing was done, here it means"
                            + " that nothing was read.");
        }
    }

    /** A look-up ends by its time-out, give or take a margin. */
    @Test
    protected void a_look_up_that_hangs_ends_by_its_time_out() {
        assumeFind();
        endsInTime("find", hungFind().told());
    }

    // What is declared.

    /** Within the window, the same key sent by two servers charges once. */
    @Test
    protected void the_same_key_twice_charges_once() {
        Assumptions.assumeTrue(
                connected().idempotencyWindow().compareTo(Duration.ZERO) > 0,
                "idempotencyWindow() is zero: the provider remembers no keys.");
        BillingRequest request = request(invoice());
        Told first = bill(request, Fault.NONE).told();
        Told second = bill(request, Fault.NONE).told();

        OptionalInt charges = countCharges(request.invoice());
        boolean counted = charges.isPresent() && charges.getAsInt() == 1;
        boolean sameCharge = first.charged() && first.reference().equals(second.reference());
        require(
                !second.declined() && (charges.isEmpty() || counted) && (sameCharge || (counted && !second.charged())),
                () -> "The same key was sent twice: first it " + first.words() + ", then it " + second.words()
                        + "; the provider counts " + (charges.isPresent() ? charges.getAsInt() : "no") + " charges.",
                second.declined()
                        ? "The charge was made, and the key is taken for refused: a new one follows and charges again (R2)."
                        : "idempotencyWindow() promises that a key sent again charges nothing more; after each crash it would (R6).",
                "Declare Duration.ZERO unless the provider remembers keys, and see that it is told them. A replayed answer is told"
                        + " like the first.");
    }

    /** Window and lag are the same at each call and on each server, and not negative. */
    @Test
    protected void what_is_declared_holds_still() {
        List<Duration> declared = new ArrayList<>();
        for (int server = 0; server < 2; server++) {
            BillingGateway gateway = connected();
            for (int call = 0; call < 2; call++) {
                declared.add(gateway.idempotencyWindow());
                declared.add(gateway.findLag());
            }
        }
        Set<Duration> windows = new HashSet<>();
        Set<Duration> lags = new HashSet<>();
        for (int i = 0; i < declared.size(); i += 2) {
            windows.add(declared.get(i));
            lags.add(declared.get(i + 1));
        }
        require(
                windows.size() == 1 && lags.size() == 1 && declared.stream().noneMatch(Duration::isNegative),
                () -> "idempotencyWindow() told " + windows + ", findLag() told " + lags + ".",
                "Whether a key may be sent again is decided by them, on every server alike (R6, R7).",
                "Return constants, zero or positive.");
    }

    // Many at once.

    /** Calls that are under way together do not mix up keys, invoices and answers. */
    @Test
    protected void calls_at_once_keep_keys_and_invoices_apart() {
        BillingGateway gateway = connected();
        List<BillingRequest> requests = new ArrayList<>();
        List<Conversation> calls = new ArrayList<>();
        int before = wire().sent().size();
        wire().befalls(request -> true, Fault.together(CALLS_AT_ONCE, Duration.ofSeconds(1)));
        for (int i = 0; i < CALLS_AT_ONCE; i++) {
            BillingRequest request = request(invoice());
            requests.add(request);
            calls.add(Conversation.start(wire(), () -> gateway.bill(request)));
        }
        List<Told> together = new ArrayList<>();
        for (int i = 0; i < CALLS_AT_ONCE; i++) {
            together.add(calls.get(i).end(patience(requests.get(i))));
        }
        requireProvider();
        List<SentRequest> charges =
                wire().sent().stream().skip(before).filter(this::charges).toList();

        for (int i = 0; i < CALLS_AT_ONCE; i++) {
            BillingRequest request = requests.get(i);
            Conversation alone = bill(request, Fault.NONE);
            Optional<String> parameters =
                    charging(alone).stream().map(this::parametersOf).findFirst();
            List<SentRequest> sent = charges.stream()
                    .filter(charge -> keyOf(charge).equals(Optional.of(request.idempotencyKey())))
                    .toList();
            Told told = together.get(i);
            Optional<String> reference = told.reference();
            boolean remembered = gateway.idempotencyWindow().compareTo(Duration.ZERO) > 0;
            require(
                    sent.size() == 1
                            && parameters.equals(Optional.of(parametersOf(sent.get(0))))
                            && reference.isPresent()
                            && (!remembered || reference.equals(alone.told().reference()))
                            && together.stream()
                                            .map(Told::reference)
                                            .filter(reference::equals)
                                            .count()
                                    == 1,
                    () -> "Of " + CALLS_AT_ONCE + " calls at once, that for invoice " + request.invoiceId()
                            + " and key "
                            + request.idempotencyKey() + " showed on the wire as " + shown(sent) + ", and bill "
                            + told.words() + ".",
                    "The library calls the gateway from several threads: one customer pays another's invoice, or an invoice is"
                            + " marked by another's charge.",
                    "Keep nothing of a call in a field: local variables only, and a client that is thread-safe.");
        }
    }

    /** Ends what a check began. */
    @AfterEach
    protected final void closeTheWire() {
        if (wire != null) {
            wire.close();
            wire = null;
        }
    }

    // How it is checked.

    @FunctionalInterface
    private interface Question {
        BillingOutcome put(BillingRequest request) throws Exception;
    }

    private record Refused(BillingRequest request, Conversation conversation) {}

    private Wire wire() {
        Wire present = wire;
        if (present == null) {
            present = new Wire(provider());
            wire = present;
        }
        return present;
    }

    private BillingGateway connected() {
        return requireNonNull(gateway(wire().address()), "gateway(URI) made null");
    }

    private BillingRequest request(Record invoice) {
        return request(invoice, newKey(), 1, AMPLE);
    }

    private BillingRequest request(Record invoice, String key, int attempt, Duration timeout) {
        return new BillingRequest(idOf(invoice), key, attempt, invoice, timeout);
    }

    /** In the form of the library's own keys; random, since a test mode outlives a test. */
    private static String newKey() {
        UUID random = UUID.randomUUID();
        return new UUID((random.getMostSignificantBits() & ~0xF000L) | 0x8000L, random.getLeastSignificantBits())
                .toString();
    }

    /** Another server bills; the fault befalls what may charge. */
    private Conversation bill(BillingRequest request, Fault fault) {
        return talk(connected()::bill, request, this::charges, fault);
    }

    /** Another server asks; the fault befalls whatever it sends. */
    private Conversation find(BillingRequest request, Fault fault) {
        return talk(connected()::find, request, sent -> true, fault);
    }

    private Conversation talk(Question question, BillingRequest request, Predicate<SentRequest> affected, Fault fault) {
        wire().befalls(affected, fault);
        Conversation conversation = Conversation.start(wire(), () -> question.put(request));
        conversation.end(patience(request));
        wire().works();
        requireProvider();
        return conversation;
    }

    private void requireProvider() {
        wire().problem().ifPresent(problem -> Assertions.fail("The check cannot be made: " + problem));
    }

    private Conversation hungBill() {
        return hung(connected()::bill, this::charges, timeout -> request(invoice(), newKey(), 1, timeout));
    }

    private Conversation hungFind() {
        Record invoice = invoice();
        String key = newKey();
        bill(request(invoice, key, 1, AMPLE), Fault.NONE);
        return hung(connected()::find, sent -> true, timeout -> request(invoice, key, 1, timeout));
    }

    /** A call to which the provider never answers, with a time-out in which the request did leave. */
    private Conversation hung(
            Question question, Predicate<SentRequest> affected, Function<Duration, BillingRequest> requests) {
        Conversation call = talk(question, requests.apply(AMPLE), request -> false, Fault.NONE); // slow only once
        Duration timeout = timeout();
        for (int i = 0; i < 3 && (i == 0 || call.sent().stream().noneMatch(affected)); i++) {
            call = talk(question, requests.apply(timeout), affected, Fault.SILENCE);
            timeout = timeout.multipliedBy(4);
        }
        Conversation last = call;
        require(
                last.sent().stream().anyMatch(affected),
                () -> "Within its time-out it sent nothing that could hang, and it "
                        + last.told().words() + ".",
                "Nothing can be checked.",
                "Override timeout() with more. The gateway must send its requests to the address given to gateway(URI).");
        return call;
    }

    private Refused refused(String key) {
        Refusal refusal = refusal();
        BillingRequest request = request(
                refusal.invoices().isPresent() ? refusal.invoices().get().get() : invoice(), key, 1, AMPLE);
        Fault fault = refusal.reply().map(Fault::insteadOfTheProvider).orElse(Fault.NONE);
        return new Refused(request, bill(request, fault));
    }

    /** Asks until the charge is found, or the declared lag is over. */
    private Told found(BillingRequest request) {
        BillingGateway gateway = connected();
        Duration lag = gateway.findLag();
        long end = System.nanoTime() + lag.plus(margin()).toNanos();
        while (true) {
            Told told = talk(gateway::find, request, sent -> false, Fault.NONE).told();
            if (told.charged() || lag.isZero() || System.nanoTime() - end >= 0) {
                return told;
            }
            pause(Duration.ofMillis(100));
        }
    }

    private void assumeFind() {
        Assumptions.assumeTrue(canFind(), "This gateway cannot look up a charge: see canFind().");
    }

    private Duration patience(BillingRequest request) {
        return request.timeout().plus(margin());
    }

    private static Reply rateLimit() {
        return Reply.failure(429).with("Retry-After", String.valueOf(RETRY_AFTER.toSeconds()));
    }

    private static void pause(Duration duration) {
        long end = System.nanoTime() + duration.toNanos();
        for (long left = duration.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private List<SentRequest> charging(Conversation... conversations) {
        return Stream.of(conversations)
                .flatMap(conversation -> conversation.sent().stream())
                .filter(this::charges)
                .toList();
    }

    private String shown(List<SentRequest> charges) {
        return charges.size() + " charging requests"
                + charges.stream()
                        .map(charge -> charge + " under " + shown(keyOf(charge)))
                        .collect(joining("; ", " [", "]"));
    }

    private static String shown(Optional<String> key) {
        return key.map(k -> "the key \"" + k + "\"").orElse("no key");
    }

    // What several checks require.

    private void notRepeated(String failure, Conversation call) {
        require(
                charging(call).size() <= 1,
                () -> "After " + failure + " it sent the charge again: " + shown(charging(call)) + ".",
                "The first may have charged. Where the provider remembers no keys the second charges again, and where it does, the"
                        + " library's own repetition is journaled, bounded by the key's age (R6) and stopped when too much fails"
                        + " (R11); the client's is not.",
                "Switch the client's own retries off (stripe-java: setMaxNetworkRetries(0); HttpURLConnection repeats a POST by itself:"
                        + " -Dsun.net.http.retryPost=false).");
    }

    private void sameParameters(Conversation first, Conversation second, String remedy) {
        List<String> before = charging(first).stream().map(this::parametersOf).toList();
        List<String> after = charging(second).stream().map(this::parametersOf).toList();
        require(
                before.equals(after),
                () -> "The same BillingRequest went out as " + before + " and then as " + after + ".",
                "The provider answers an error to the same key with other parameters, for ever, or ignores the difference: then"
                        + " nobody knows what was charged (R4).",
                remedy);
    }

    private static void unknown(String happened, Told told) {
        require(
                told.nothingKnown(),
                () -> happened + ", and it " + told.words() + ".",
                told.declined()
                        ? "The charge was made. Declined means that this key never charges: a new one follows and charges again (R2)."
                        : told.notBilled()
                                ? "The charge was made. notBilled means that this request surely did nothing: the library sends it"
                                        + " again, past the time that the provider remembers the key, and charges twice (R6)."
                                : told.charged()
                                        ? "It cannot know that. Whatever it takes for a charge settles the invoice for good (R5); the"
                                                + " next time nobody paid, and the money is lost."
                                        : "Nothing can be said of a call that does not end.",
                "Answer BillingOutcome.unknown(reason), or let the exception pass. Answer anything else only to what the provider says"
                        + " in so many words.");
    }

    private static void endsInTime(String method, Told told) {
        require(
                told.ended(),
                () -> "The provider was silent, and " + method + " " + told.words() + ".",
                "The library goes on without it and takes the outcome for unknown, but the thread stays: a provider that hangs uses up"
                        + " all of them. And what is sent by a call that everybody gave up may arrive after the lease (R7).",
                "Pass request.timeout() to the client, for the whole answer and not just for the connection.");
    }

    private static void seen(String happened, Told told) {
        require(
                told.charged(),
                () -> happened + ", and find " + told.words() + ".",
                told.notBilled()
                        ? "The library believes that the key was never seen (R7). It sends again where keys are not remembered, which"
                                + " charges twice, or gives a charged invoice back as withdrawn."
                        : "A charge that find cannot see leaves the invoice in doubt, and with a person in the end.",
                "Look up with a read-after-write endpoint (a list, not a search), by the key and nothing that only this process knows;"
                        + " or declare findLag().");
    }

    private static void require(boolean holds, Supplier<String> did, String harm, String remedy) {
        if (!holds) {
            Assertions.fail(
                    "What the gateway did: " + did.get() + "\nWhat it costs: " + harm + "\nWhat to do: " + remedy);
        }
    }
}
