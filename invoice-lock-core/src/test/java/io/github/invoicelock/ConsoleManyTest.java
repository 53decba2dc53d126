package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleResponse;
import io.github.invoicelock.console.ConsoleSettings;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One word on many: it is said of those alone that somebody has seen counted, as they were then, and what was done is told in any case. */
class ConsoleManyTest {
    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatOffersNothing();
    private final LockingInvoiceBiller biller =
            host.running(host.server(provider).stopAfterFailures(1_000));
    private final ConsoleGuest ann =
            ConsoleGuest.of(new Console(ConsoleSettings.of(biller)), "ann", ConsoleAccess.DECIDE);

    /** Nobody knows what became of them, and they may not be repeated. */
    @BeforeEach
    void threeWait() {
        parked(1, 3);
    }

    @AfterEach
    void close() {
        host.close();
    }

    private void parked(int first, int last) {
        provider.answering(BillingOutcome.unknown("connection reset"));
        biller.billPending();
        for (int id = first; id <= last; id++) {
            host.letTimePass(id, Duration.ofDays(1));
        }
    }

    private String triedOnDeclined() {
        String page = ann.post("/many", "step", "try", "word", "declined", "incident", "outage")
                .text();
        return tried(page);
    }

    private static String tried(String page) {
        return ConsoleGuest.first(page, "name=\"tried\" value=\"([^\"]*)\"");
    }

    private ConsoleResponse say(String tried, String... more) {
        String[] fixed = {"step", "say", "word", "declined", "incident", "outage", "tried", tried};
        String[] all = Arrays.copyOf(fixed, fixed.length + more.length);
        System.arraycopy(more, 0, all, fixed.length, more.length);
        return ann.post("/many", all);
    }

    @Test
    void many_are_tried_first_and_decided_batch_by_batch_under_the_name_of_an_incident() {
        String tried = ann.post("/many", "step", "try", "word", "declined", "incident", "outage")
                .text();
        assertThat(tried).contains("It would come to this", "closes it", "The next one");
        assertThat(biller.needsAttention()).hasSize(3);

        String one = say(tried(tried), "size", "1").text();
        assertThat(one).contains("1 decided under “outage”", "2 are left of those that were tried");
        assertThat(biller.needsAttention()).hasSize(2);

        String after = ConsoleGuest.first(one, "name=\"after\" value=\"([^\"]*)\"");
        String rest =
                say(tried(one), "size", "200", "after", after, "before", "1").text();
        assertThat(rest).contains("3 decided under “outage”", "None is left").doesNotContain("name=\"tried\"");
        assertThat(biller.needsAttention()).isEmpty();
        assertThat(biller.attempts(1).get(0).note()).endsWith("ann: outage");
    }

    @Test
    void the_second_step_without_a_trial_is_refused() {
        ConsoleResponse unseen =
                ann.post("/many", "step", "say", "size", "200", "word", "declined", "incident", "outage");

        assertThat(unseen.status()).isEqualTo(400);
        assertThat(unseen.text()).contains("Nothing was tried", "Nothing was done");
        assertThat(say("1.2.3", "size", "200").status()).isEqualTo(409);
        assertThat(say(triedOnDeclined() + " nonsense", "size", "200").status()).isEqualTo(400);
        assertThat(biller.needsAttention()).hasSize(3);
    }

    @Test
    void another_word_than_the_one_that_was_tried_is_refused() {
        String tried = triedOnDeclined();

        for (String[] other : new String[][] {
            {"retry", "outage", ""}, {"declined", "another outage", ""}, {"declined", "outage", "stolen_card"}
        }) {
            ConsoleResponse answer = ann.post(
                    "/many",
                    "step",
                    "say",
                    "size",
                    "200",
                    "tried",
                    tried,
                    "word",
                    other[0],
                    "incident",
                    other[1],
                    "code",
                    other[2]);
            assertThat(answer.status()).as(String.join(" ", other)).isEqualTo(409);
            assertThat(answer.text()).contains("Something else was tried");
        }
        assertThat(biller.needsAttention()).hasSize(3);
    }

    @Test
    void what_began_to_wait_after_the_trial_is_left_alone_and_counted() {
        String tried = triedOnDeclined();
        host.sql("insert into invoices (id) values (4), (5)");
        parked(4, 5);

        String page = say(tried, "size", "200").text();

        assertThat(page).contains("3 decided under “outage”", "2 were left alone", "None is left");
        assertThat(biller.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("4", "5");
    }

    @Test
    void what_has_changed_since_the_trial_is_left_alone_and_said() {
        String tried = triedOnDeclined();
        host.sql("update invoice_lock.billing_attempt set message = 'status 200: charged' where invoice_id = '2'");
        biller.resolve(3, BillingOutcome.billed("ch_3"), "seen in the ledger", "ben");

        String page = say(tried, "size", "200").text();

        assertThat(page)
                .contains("1 decided under “outage”")
                .contains("1 not taken: it has changed since it was tried")
                .contains("1 that was tried does not wait any more");
        assertThat(host.state(2)).isEqualTo("IN_DOUBT");
        assertThat(host.state(3)).isEqualTo("BILLED");
    }

    @Test
    void a_batch_that_is_cut_off_tells_what_was_done_and_goes_on_with_the_rest() {
        String tried = triedOnDeclined();
        host.sql(
                "create function no() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$");
        host.sql("create trigger no before update on invoice_lock.billing_attempt for each row "
                + "when (old.invoice_id = '2') execute function no()");

        ConsoleResponse cutOff = say(tried, "size", "200");

        assertThat(cutOff.status()).isEqualTo(503);
        assertThat(cutOff.text())
                .contains("1 decided under “outage”", "The batch was cut off", "disk full", "Nothing was done after it")
                .contains(">3</a> done", ">2</a> cut off here", "2 are left of those that were tried");
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
        assertThat(host.state(3)).isEqualTo("DECLINED");

        host.sql("drop trigger no on invoice_lock.billing_attempt");
        String rest = say(tried(cutOff.text()), "size", "200", "before", "1").text();
        assertThat(rest).contains("3 decided under “outage”", "None is left");
        assertThat(biller.needsAttention()).isEmpty();
    }

    @Test
    void a_trial_of_one_says_what_would_follow_and_is_refused_as_the_word_would_be() {
        BillingAttempt seen = biller.attempts(1).get(0);

        assertThat(biller.dryRun().resolve(seen, BillingOutcome.declined("closed", "closed"), "outage", "ann"))
                .isEqualTo(Advice.Effect.CLOSES);
        assertThat(biller.dryRun().retry(seen, "outage", "ann")).isEqualTo(Advice.Effect.PARKS_AGAIN);
        biller.resolve(1, BillingOutcome.billed("ch_1"), "seen in the ledger", "ben");
        assertThat(org.assertj.core.api.Assertions.catchThrowableOfType(
                                WordRefusedException.class,
                                () -> biller.dryRun().retry(seen, "outage", "ann"))
                        .refusal())
                .isEqualTo(Refusal.CHANGED_SINCE);
        assertThat(biller.history(1)).extracting(AttemptEvent::what).doesNotContain(AttemptEvent.What.RETRIED);
    }
}
