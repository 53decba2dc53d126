package io.github.invoicelock.testkit;

import io.github.invoicelock.BillingGateway;
import org.junit.jupiter.api.AfterEach;
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
public abstract class BillingGatewayContract extends GatewayUnderTest {
    private final KeyChecks keys = new KeyChecks(bench);
    private final RepetitionChecks repetitions = new RepetitionChecks(bench);
    private final AnswerChecks answers = new AnswerChecks(bench);
    private final SilenceChecks silence = new SilenceChecks(bench);
    private final FindChecks find = new FindChecks(bench);
    private final DeclarationChecks declarations = new DeclarationChecks(bench);
    private final ConcurrencyChecks concurrency = new ConcurrencyChecks(bench);

    /** For subclasses. */
    protected BillingGatewayContract() {}

    // The key, and what is sent under it.

    /** Every charge carries the key that the library gave, to the letter, whichever server sends it. */
    @Test
    protected void the_key_reaches_the_provider_unchanged() {
        keys.the_key_reaches_the_provider_unchanged();
    }

    /** Two keys of one invoice are two keys for the provider, even if they differ in the last letter alone. */
    @Test
    protected void another_key_of_the_same_invoice_is_sent_as_another_key() {
        keys.another_key_of_the_same_invoice_is_sent_as_another_key();
    }

    /** Another server, a second later, sends the same request under the same key. */
    @Test
    protected void the_same_key_always_sends_the_same_request() {
        keys.the_same_key_always_sends_the_same_request();
    }

    /** What is sent comes from the snapshot; the row may have changed since. */
    @Test
    protected void the_snapshot_is_sent_not_the_live_row() {
        keys.the_snapshot_is_sent_not_the_live_row();
    }

    // One request for each call.

    /** One call, one charge. */
    @Test
    protected void one_call_sends_one_charge() {
        repetitions.one_call_sends_one_charge();
    }

    /** After 429 the call is over. */
    @Test
    protected void the_client_does_not_repeat_after_a_rate_limit() {
        repetitions.the_client_does_not_repeat_after_a_rate_limit();
    }

    /** After a 5xx the call is over. */
    @Test
    protected void the_client_does_not_repeat_after_a_server_error() {
        repetitions.the_client_does_not_repeat_after_a_server_error();
    }

    /** After a connection that broke before the answer the call is over, also on a connection that had worked before. */
    @Test
    protected void the_client_does_not_repeat_after_a_lost_answer() {
        repetitions.the_client_does_not_repeat_after_a_lost_answer();
    }

    /** After a time-out the call is over. */
    @Test
    protected void the_client_does_not_repeat_after_a_time_out() {
        repetitions.the_client_does_not_repeat_after_a_time_out();
    }

    /** Whatever fails, no second key appears on the wire. */
    @Test
    protected void no_failure_brings_another_key() {
        repetitions.no_failure_brings_another_key();
    }

    // What bill tells of an answer.

    /** A charge is billed (or accepted) under the provider's reference, another for each charge. */
    @Test
    protected void a_charge_is_billed_under_the_providers_reference() {
        answers.a_charge_is_billed_under_the_providers_reference();
    }

    /** A final refusal is declined. */
    @Test
    protected void a_refusal_is_declined() {
        answers.a_refusal_is_declined();
    }

    /** 429 is not billed. */
    @Test
    protected void a_rate_limit_is_not_billed() {
        answers.a_rate_limit_is_not_billed();
    }

    /** How long the provider wants to be left alone is handed on. */
    @Test
    protected void the_providers_retry_after_is_handed_on() {
        answers.the_providers_retry_after_is_handed_on();
    }

    /** After a 5xx nobody knows: the provider may have charged and failed afterwards. */
    @Test
    protected void a_server_error_is_unknown() {
        answers.a_server_error_is_unknown();
    }

    /** An answer that is none tells nothing: a proxy's page, an empty body, half a body. */
    @Test
    protected void an_answer_without_sense_is_unknown() {
        answers.an_answer_without_sense_is_unknown();
    }

    /** A wrong credential, or a request under the same key that is still under way, is nobody's refusal. */
    @Test
    protected void an_answer_that_decides_nothing_is_no_refusal() {
        answers.an_answer_that_decides_nothing_is_no_refusal();
    }

    // What bill tells where no answer comes.

    /** After a broken connection nobody knows. */
    @Test
    protected void a_lost_answer_is_unknown() {
        silence.a_lost_answer_is_unknown();
    }

    /** After a time-out nobody knows. */
    @Test
    protected void a_time_out_is_unknown() {
        silence.a_time_out_is_unknown();
    }

    /** A call ends by its time-out, give or take a margin. */
    @Test
    protected void a_call_that_hangs_ends_by_its_time_out() {
        silence.a_call_that_hangs_ends_by_its_time_out();
    }

    /** A call that is interrupted ends soon (unless the host says that it cannot), and tells no more than it knows. */
    @Test
    protected void an_interrupted_call_ends_and_claims_nothing() {
        silence.an_interrupted_call_ends_and_claims_nothing();
    }

    /** Where nobody listens, nothing was billed; unknown is true as well. */
    @Test
    protected void a_refused_connection_is_no_refusal() {
        silence.a_refused_connection_is_no_refusal();
    }

    // What find tells.

    /** A charge is found at once, or after the lag that is declared. */
    @Test
    protected void find_sees_a_charge_at_once() {
        find.find_sees_a_charge_at_once();
    }

    /** Another server finds a charge of which nobody ever saw the answer: what find is for. */
    @Test
    protected void find_sees_a_charge_whose_answer_was_lost() {
        find.find_sees_a_charge_whose_answer_was_lost();
    }

    /** A key that was never sent was never charged. */
    @Test
    protected void find_does_not_know_a_key_that_was_never_sent() {
        find.find_does_not_know_a_key_that_was_never_sent();
    }

    /** The invoice's other key is another charge. */
    @Test
    protected void find_asks_for_the_key_not_for_the_invoice() {
        find.find_asks_for_the_key_not_for_the_invoice();
    }

    /** A refused charge is no charge, though the provider has a record of it. */
    @Test
    protected void find_does_not_take_a_refused_charge_for_billed() {
        find.find_does_not_take_a_refused_charge_for_billed();
    }

    /** Asking is not charging. */
    @Test
    protected void find_sends_no_charge() {
        find.find_sends_no_charge();
    }

    /** A look-up that fails has not seen anything, so it cannot know that there is nothing. */
    @Test
    protected void a_look_up_that_fails_is_unknown() {
        find.a_look_up_that_fails_is_unknown();
    }

    /** A look-up ends by its time-out, give or take a margin. */
    @Test
    protected void a_look_up_that_hangs_ends_by_its_time_out() {
        find.a_look_up_that_hangs_ends_by_its_time_out();
    }

    // What is declared.

    /** Within the window, the same key sent by two servers charges once. */
    @Test
    protected void the_same_key_twice_charges_once() {
        declarations.the_same_key_twice_charges_once();
    }

    /** Window and lag are the same at each call and on each server, and not negative. */
    @Test
    protected void what_is_declared_holds_still() {
        declarations.what_is_declared_holds_still();
    }

    /** Where {@code canBeAsked()} is true, there is a {@code find}. */
    @Test
    protected void find_is_there_where_it_is_promised() {
        declarations.find_is_there_where_it_is_promised();
    }

    // Many at once.

    /** Calls that are under way together do not mix up keys, invoices and answers. */
    @Test
    protected void calls_at_once_keep_keys_and_invoices_apart() {
        concurrency.calls_at_once_keep_keys_and_invoices_apart();
    }

    /** Ends what a check began. */
    @AfterEach
    protected final void closeTheWire() {
        bench.close();
    }
}
