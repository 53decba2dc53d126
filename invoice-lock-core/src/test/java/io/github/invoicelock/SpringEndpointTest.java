package io.github.invoicelock;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockEndpoint;
import io.github.invoicelock.spring.InvoiceLockEndpointAutoConfiguration;
import java.security.Principal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** What the endpoint answers, whoever asks; over HTTP and JMX it is asked by the hosts among the examples. */
class SpringEndpointTest {
    private static final SecurityContext NOBODY = SecurityContext.NONE;

    private final TestHost host = TestHost.withInvoices(5);
    private final TestProvider provider = TestProvider.thatOffersNothing();
    private final ApplicationContextRunner application = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    InvoiceLockAutoConfiguration.class, InvoiceLockEndpointAutoConfiguration.class))
            .withBean(DataSource.class, host::dataSource, pool -> pool.setDestroyMethodName(""))
            .withBean(BillingGateway.class, () -> provider)
            .withPropertyValues("management.endpoints.web.exposure.include=invoicelock");

    @AfterEach
    void close() {
        host.close();
    }

    /** With two refused and three whose outcome nobody knows, all of which wait for a person. */
    private void withFiveThatWait(java.util.function.Consumer<InvoiceLockEndpoint> work) {
        provider.answering((p, request) -> Integer.parseInt(request.invoiceId()) <= 2
                ? BillingOutcome.declined("card_declined", "no money")
                : BillingOutcome.unknown("500"));
        application.run(context -> {
            context.getBean(LockingInvoiceBiller.class).billPending();
            work.accept(context.getBean(InvoiceLockEndpoint.class));
        });
    }

    @Test
    void without_exposure_it_is_not_there() {
        application
                .withPropertyValues("management.endpoints.web.exposure.include=health")
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(InvoiceLockEndpoint.class));
    }

    @Test
    void pages_of_what_waits_go_through_all_causes_and_end() {
        withFiveThatWait(endpoint -> {
            List<String> seen = new ArrayList<>();
            String after = null;
            do {
                Map<String, Object> page = Objects.requireNonNull(endpoint.list("invoices", "waiting", 2, after));
                List<?> rows = (List<?>) Objects.requireNonNull(page.get("waiting"));
                assertThat(rows).hasSizeLessThanOrEqualTo(2);
                rows.forEach(row -> seen.add(((Map<?, ?>) row).get("cause") + " " + ((Map<?, ?>) row).get("invoice")));
                after = (String) page.get("next");
            } while (after != null);

            assertThat(seen)
                    .containsExactly(
                            "REFUSED 2",
                            "REFUSED 1",
                            "MAY_NOT_BE_REPEATED 5",
                            "MAY_NOT_BE_REPEATED 4",
                            "MAY_NOT_BE_REPEATED 3");
        });
    }

    @Test
    void nothing_of_an_invoice_is_shown_but_its_id() {
        host.sql("alter table invoices add column card text not null default 'pm_secret'");
        withFiveThatWait(endpoint -> {
            String everything = endpoint.billers() + " " + endpoint.list("invoices", "waiting", null, null) + " "
                    + endpoint.invoice("invoices", "invoices", "3");
            assertThat(everything).contains("invoice=3").doesNotContain("pm_secret");
        });
    }

    @Test
    void an_invoice_comes_with_its_history_and_with_what_a_person_can_do() {
        withFiveThatWait(endpoint -> assertThat(endpoint.invoice("invoices", "invoices", "3"))
                .containsEntry("invoice", "3")
                .hasEntrySatisfying(
                        "advice",
                        advice -> assertThat(String.valueOf(advice))
                                .contains("RESOLVE_BILLED")
                                .contains("the journal says charged")));
    }

    @Test
    void what_is_not_there_is_not_found() {
        withFiveThatWait(endpoint -> {
            assertThat(endpoint.biller("others")).isNull();
            assertThat(endpoint.list("others", "waiting", null, null)).isNull();
            assertThat(endpoint.list("invoices", "billed", null, null)).isNull();
            assertThat(endpoint.invoice("invoices", "invoices", "77")).isNull();
        });
    }

    @Test
    void who_is_logged_in_decides_in_no_other_name() {
        SecurityContext ann = new SecurityContext() {
            @Override
            public Principal getPrincipal() {
                return () -> "ann";
            }

            @Override
            public boolean isUserInRole(String role) {
                return false;
            }
        };
        withFiveThatWait(endpoint -> {
            endpoint.decide(ann, "invoices", "billed", "3", "bob", "seen in the dashboard", "ch_3", null, null);
            assertThat(host.state(3)).isEqualTo("BILLED");
            assertThat(host.one("select resolved_by from invoice_lock.billing_attempt where invoice_id = '3'"))
                    .isEqualTo("ann");
        });
    }

    @Test
    void a_decision_on_what_was_seen_is_refused_once_that_has_changed() {
        withFiveThatWait(endpoint -> {
            String seen = seen(endpoint, 3);
            assertThat(seen).startsWith("1.IN_DOUBT.");
            endpoint.decide(NOBODY, "invoices", "declined", "3", "ann", "told by phone", null, "closed", seen);

            for (String word : List.of("billed", "declined", "accepted", "not-billed", "retry")) {
                refused(
                        () -> endpoint.decide(NOBODY, "invoices", word, "3", "bob", "n", "ch_3", "c", seen),
                        "CHANGED_SINCE: Invoice 3 has changed since it was seen as " + seen
                                + ": now it is 1.DECLINED.");
            }
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "billed", "4", "bob", "n", "ch_4", null, ""),
                    "CHANGED_SINCE: ");
            assertThat(host.state(3)).isEqualTo("DECLINED");
            endpoint.decide(NOBODY, "invoices", "billed", "3", "bob", "n", "ch_3", null, seen(endpoint, 3));
            assertThat(host.state(3)).isEqualTo("BILLED");
        });
    }

    @Test
    void what_a_persons_word_changes_alone_is_part_of_what_was_seen() {
        withFiveThatWait(endpoint -> {
            String seen = seen(endpoint, 3);
            endpoint.decide(NOBODY, "invoices", "retry", "3", "ann", "again", null, null, seen);

            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "retry", "3", "bob", "n", null, null, seen),
                    "CHANGED_SINCE: ");
        });
    }

    private static String seen(InvoiceLockEndpoint endpoint, int invoice) {
        Map<String, Object> told =
                Objects.requireNonNull(endpoint.invoice("invoices", "invoices", String.valueOf(invoice)));
        List<?> attempts = (List<?>) Objects.requireNonNull(told.get("attempts"));
        return String.valueOf(((Map<?, ?>) attempts.get(0)).get("seen"));
    }

    @Test
    void where_a_second_person_is_asked_for_one_alone_decides_nothing() {
        provider.answering(BillingOutcome.unknown("500"));
        application
                .withPropertyValues("invoice-lock.console.second-person=true")
                .run(context -> {
                    context.getBean(LockingInvoiceBiller.class).billPending();
                    InvoiceLockEndpoint endpoint = context.getBean(InvoiceLockEndpoint.class);
                    for (String word : List.of("billed", "declined", "accepted", "not-billed", "retry")) {
                        refused(
                                () -> endpoint.decide(NOBODY, "invoices", word, "3", "ann", "n", "ch_3", "c", null),
                                "invoice-lock.console.second-person is true");
                    }
                    assertThat(host.state(3)).isEqualTo("IN_DOUBT");
                    refused(
                            () -> endpoint.decide(NOBODY, "invoices", "ask", "3", "ann", null, null, null, null),
                            "CANNOT_BE_ASKED: ");
                    assertThat(endpoint.say(NOBODY, "invoices", "pause", "ann", "wrong amounts"))
                            .containsKey("paused");
                });
    }

    @TestFactory
    Stream<DynamicTest> each_word_does_what_it_says() {
        return Stream.of(
                word("billed", "BILLED", "ch_1", null),
                word("declined", "DECLINED", null, "stolen_card"),
                word("accepted", "ACCEPTED", "ch_1", null),
                word("retry", "IN_DOUBT", null, null));
    }

    private DynamicTest word(String word, String state, @Nullable String reference, @Nullable String code) {
        return DynamicTest.dynamicTest(word, () -> {
            host.sql("truncate invoice_lock.billing_attempt cascade; update invoices set pending = true");
            withFiveThatWait(endpoint -> {
                endpoint.decide(NOBODY, "invoices", word, "3", "ann", "seen in the dashboard", reference, code, null);
                assertThat(host.state(3)).isEqualTo(state);
            });
        });
    }

    @Test
    void what_is_decided_and_cannot_be_marked_yet_is_no_refusal() {
        withFiveThatWait(endpoint -> {
            host.sql(
                    "create function refuse() returns trigger language plpgsql as 'begin raise exception ''closed books''; end'");
            host.sql(
                    "create trigger refuse before update on invoices for each row when (old.id = 3) execute function refuse()");

            Map<String, Object> told =
                    endpoint.decide(NOBODY, "invoices", "billed", "3", "ann", "dashboard", "ch_3", null, null);

            assertThat(String.valueOf(requireNonNull(told).get("notMarked"))).contains("closed books");
            assertThat(host.state(3)).isEqualTo("BILLED");
        });
    }

    @Test
    void a_biller_is_paused_and_resumed() {
        application.run(context -> {
            InvoiceLockEndpoint endpoint = context.getBean(InvoiceLockEndpoint.class);
            LockingInvoiceBiller biller = context.getBean(LockingInvoiceBiller.class);
            assertThat(endpoint.say(NOBODY, "invoices", "pause", "ann", "wrong amounts"))
                    .containsKey("paused");
            assertThat(biller.billPending().billed()).isZero();
            assertThat(endpoint.say(NOBODY, "invoices", "resume", "ann", null)).doesNotContainKey("paused");
            assertThat(biller.billPending().billed()).isEqualTo(5);
        });
    }

    @Test
    void a_word_that_is_refused_or_says_too_little_tells_why() {
        withFiveThatWait(endpoint -> {
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "billed", "3", null, "n", "ch_1", null, null),
                    "\"who\" is missing");
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "billed", "3", "ann", null, "ch_1", null, null),
                    "\"note\" is missing");
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "billed", "3", "ann", "n", null, null, null),
                    "\"reference\" is missing");
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "guess", "3", "ann", "n", null, null, null),
                    "there are retry, ask");
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "ask", "3", "ann", null, null, null, null),
                    "CANNOT_BE_ASKED: ");
            refused(
                    () -> endpoint.decide(NOBODY, "invoices", "retry", "77", "ann", "n", null, null, null),
                    "NO_SUCH_INVOICE: ");
            refused(
                    () -> endpoint.decide(NOBODY, "others", "retry", "3", "ann", "n", null, null, null),
                    "there are invoices");
            refused(() -> endpoint.say(NOBODY, "invoices", "stop", "ann", "n"), "there are pause and resume");
            refused(() -> endpoint.list("invoices", "waiting", 0, null), "it must be from 1 to 1000");
            refused(() -> endpoint.list("invoices", "waiting", 5, "nonsense"), "what the page before says to be next");
        });
    }

    private static void refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable word, String why) {
        assertThatThrownBy(word)
                .isInstanceOf(InvalidEndpointRequestException.class)
                .hasMessageContaining(why);
    }
}
