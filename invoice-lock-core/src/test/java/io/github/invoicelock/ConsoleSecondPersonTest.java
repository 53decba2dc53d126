package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleResponse;
import io.github.invoicelock.console.ConsoleSettings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a person decides on is what their page showed: the attempt, what another person has proposed, and what the provider answered. */
class ConsoleSecondPersonTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final LockingInvoiceBiller biller = host.running(host.server(provider));
    private final Console console = new Console(ConsoleSettings.of(biller).secondPerson());
    private final ConsoleGuest ann = ConsoleGuest.of(console, "ann", ConsoleAccess.DECIDE_NOT_BILLED);
    private final ConsoleGuest cleo = ConsoleGuest.of(console, "cleo", ConsoleAccess.DECIDE_NOT_BILLED);

    /** Nobody knows what became of it, and the provider may have forgotten its key. */
    @BeforeEach
    void oneWaits() {
        provider.answering(BillingOutcome.unknown("connection reset"));
        biller.billPending();
        host.sql(
                "update invoice_lock.billing_attempt set cause = 'MEMORY_OVER', due_at = null, lease_until = now() - interval '1 hour', "
                        + "started_at = now() - interval '2 days'");
    }

    @AfterEach
    void close() {
        host.close();
    }

    private static String seenBy(ConsoleGuest guest) {
        return guest.seen(guest.page("/not-billed", "id", "1"));
    }

    private static ConsoleResponse say(ConsoleGuest guest, String seen) {
        return guest.post("/not-billed", "id", "1", "typed", "1", "note", "sure", "seen", seen);
    }

    @Test
    void not_charged_asks_for_a_second_person_where_the_host_wants_one() {
        assertThat(say(ann, seenBy(ann)).status()).isEqualTo(303);
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
        assertThat(say(ann, seenBy(ann)).text()).contains("You have proposed it yourself");
        assertThat(cleo.page("/not-billed", "id", "1")).contains("ann proposed this", "You are the second person");

        assertThat(say(cleo, seenBy(cleo)).status()).isEqualTo(303);
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
        assertThat(biller.attempts(1).get(0).note()).contains("cleo: sure (proposed by ann)");
    }

    @Test
    void who_has_not_seen_the_proposal_does_not_confirm_it() {
        String before = seenBy(cleo);
        assertThat(say(ann, seenBy(ann)).status()).isEqualTo(303);

        ConsoleResponse unseen = say(cleo, before);

        assertThat(unseen.status()).isEqualTo(409);
        assertThat(unseen.text()).contains("A decision was proposed, by ann", "sure");
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
    }

    @Test
    void who_has_seen_another_proposal_does_not_confirm_the_newer_one() {
        say(ann, seenBy(ann));
        String before = seenBy(cleo);
        biller.propose(biller.attempts(1).get(0), BillingOutcome.notBilled("n"), "told by phone", "dan");

        assertThat(say(cleo, before).text()).contains("A decision was proposed, by dan", "told by phone");
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
        assertThat(cleo.page("/not-billed", "id", "1")).contains("dan proposed this");
    }

    @Test
    void what_was_proposed_is_void_once_the_attempt_has_changed() {
        say(ann, seenBy(ann));
        biller.retry(1);
        biller.recover();
        host.sql(
                "update invoice_lock.billing_attempt set cause = 'MEMORY_OVER', due_at = null, lease_until = now() - interval '1 hour'");

        assertThat(cleo.page("/not-billed", "id", "1")).contains("What you write here is the proposal");
    }

    @Test
    void an_answer_of_the_provider_is_part_of_what_a_page_showed() {
        String[] seen = {seenBy(ann), ann.seen(ann.page("/invoice", "id", "1"))};
        provider.finding(request -> BillingOutcome.billed("ch_found"));
        biller.ask(1, "ben");

        for (ConsoleResponse answer : new ConsoleResponse[] {
            say(ann, seen[0]),
            ann.post("/decide", "id", "1", "seen", seen[1], "decision", "RESOLVE_DECLINED", "note", "nothing there")
        }) {
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.text()).contains("The provider was asked, by ben", "charged as ch_found");
        }
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
    }

    @Test
    void an_answer_that_says_otherwise_makes_a_proposal_void_and_one_that_says_the_same_does_not() {
        say(ann, seenBy(ann));
        biller.ask(1, "cleo");
        assertThat(cleo.page("/not-billed", "id", "1"))
                .contains("not charged: never seen", "You are the second person");

        provider.finding(request -> BillingOutcome.billed("ch_found"));
        biller.ask(1, "cleo");

        assertThat(cleo.page("/not-billed", "id", "1"))
                .contains("charged as ch_found", "What you write here is the proposal");
    }

    @Test
    void who_has_closed_an_invoice_does_not_release_it_with_a_new_key_alone() {
        biller.resolve(1, BillingOutcome.declined("closed", "closed"), "seen in the ledger", "ann");
        String page = ann.page("/invoice", "id", "1");
        String[] form = {"id", "1", "seen", ann.seen(page), "decision", "RETRY", "note", "again"};

        assertThat(ann.post("/decide", form).text()).contains("You have closed it yourself");
        assertThat(host.state(1)).isEqualTo("DECLINED");

        assertThat(cleo.post("/decide", form).status()).isEqualTo(303);
    }
}
