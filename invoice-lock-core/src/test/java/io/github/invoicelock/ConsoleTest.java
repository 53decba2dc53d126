package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleRequest;
import io.github.invoicelock.console.ConsoleResponse;
import io.github.invoicelock.console.ConsoleSettings;
import io.github.invoicelock.console.ConsoleVisitor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the console's one function answers, without a server: who may what, and what a person sees and decides. */
class ConsoleTest {
    private static final String SCRIPT = "<script>alert(1)</script>";

    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatOffersNothing();
    private final LockingInvoiceBiller biller =
            host.running(host.server(provider).stopAfterFailures(1_000));
    private final Console console = new Console(ConsoleSettings.of(biller));
    private final ConsoleGuest ann = ConsoleGuest.of(console, "ann", ConsoleAccess.DECIDE_NOT_BILLED);
    private final ConsoleGuest ben = ConsoleGuest.of(console, "ben", ConsoleAccess.DECIDE);
    private final ConsoleGuest eve = ConsoleGuest.of(console, "eve", ConsoleAccess.LOOK);

    @AfterEach
    void close() {
        host.close();
    }

    /** Nobody knows what became of them, and they may not be repeated. */
    private void parked() {
        provider.answering(BillingOutcome.unknown("connection reset"));
        biller.billPending();
        host.letTimePass(1, Duration.ofDays(1));
        host.letTimePass(2, Duration.ofDays(1));
        host.letTimePass(3, Duration.ofDays(1));
    }

    private String[] decision(String page, String decision, String... more) {
        String[] fixed = {"id", "1", "seen", ann.seen(page), "decision", decision, "note", "looked it up"};
        String[] all = java.util.Arrays.copyOf(fixed, fixed.length + more.length);
        System.arraycopy(more, 0, all, fixed.length, more.length);
        return all;
    }

    @Test
    void who_is_not_signed_in_sees_no_page_and_the_message_names_the_setting() {
        Console named = new Console(ConsoleSettings.of(biller).accessSetting("invoice-lock.console.look"));

        ConsoleResponse answer = ConsoleGuest.of(named, ConsoleVisitor.nobody()).get("/");

        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.text()).contains("Nobody is signed in", "invoice-lock.console.look");
        assertThat(ConsoleGuest.of(named, "sam", ConsoleAccess.NONE).get("/").status())
                .isEqualTo(403);
        assertThat(ConsoleGuest.of(named, ConsoleVisitor.nobody())
                        .get("/console.css")
                        .status())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/waiting",
                "/invoice?id=1",
                "/search",
                "/charged",
                "/anomalies",
                "/preview",
                "/preview?invoices=10",
                "/many",
                "/reconcile",
                "/not-billed?id=1",
                "/nowhere",
                "/waiting.csv",
                "/charged.csv",
                "/console.css",
                "/console.js"
            })
    void every_answer_keeps_its_page_safe(String path) {
        parked();

        ConsoleResponse answer = ann.follow("/app/console" + path);

        assertThat(answer.status()).as(answer.text()).isEqualTo(path.equals("/nowhere") ? 404 : 200);
        assertThat(answer.headers())
                .containsEntry("Cache-Control", "no-store")
                .containsEntry("X-Content-Type-Options", "nosniff");
        assertThat(answer.headers().get("Content-Security-Policy"))
                .contains("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'")
                .doesNotContain("unsafe");
        assertThat(answer.text()).doesNotContain("style=", "onclick");
    }

    @Test
    void the_first_page_says_how_things_stand_and_what_is_wrong() {
        parked();
        biller.pause("ann", "wrong amounts");

        String page = eve.page("/");

        assertThat(page).contains("Wait for a person", ">3</a>", "Paused by ann", "wrong amounts");
    }

    @Test
    void the_first_page_says_as_a_fact_that_nobody_bills_while_invoices_are_pending() {
        assertThat(eve.page("/"))
                .contains("No server has ever run; 3 invoices are pending.")
                .doesNotContain("in order");

        biller.recover();
        assertThat(eve.page("/"))
                .as("recover() alone bills nothing")
                .contains("Servers run, and none has billed for an hour; 3 invoices are pending.")
                .doesNotContain("in order");

        host.sql("update invoice_lock.biller set last_run_at = now() - interval '3 hours'");
        assertThat(eve.page("/"))
                .contains("No server has run for 3 h; 3 invoices are pending.")
                .doesNotContain("in order", "class=\"alarm\"");

        biller.billPending();
        assertThat(eve.page("/")).contains("in order").doesNotContain("No server has", "none has billed");
    }

    @Test
    void what_waits_for_a_person_or_is_paused_is_not_said_to_be_billed_by_nobody() {
        parked();
        host.sql("update invoice_lock.billing_attempt set settled_at = settled_at - interval '2 hours'");
        assertThat(eve.page("/")).doesNotContain("none has billed", "in order");

        host.sql("update invoice_lock.biller set last_run_at = now() - interval '3 hours'");
        biller.pause("ann", "wrong amounts");
        assertThat(eve.page("/")).doesNotContain("No server has");
    }

    @Test
    void what_waits_is_grouped_by_its_cause_and_what_was_said() {
        parked();

        String page = eve.page("/waiting");

        assertThat(page)
                .contains("<b class=\"count\">3</b>", "Outcome unknown, may not be repeated", "connection reset")
                .contains("href=\"/app/console/invoice?biller=invoices&amp;id=1\"");
    }

    @ParameterizedTest
    @EnumSource(AttemptCause.class)
    void each_cause_of_waiting_is_reached_seen_and_says_what_is_safe(AttemptCause cause) {
        parked();
        host.sql("update invoice_lock.billing_attempt set cause = '" + cause + "', state = '"
                + (cause == AttemptCause.SECOND_CHARGE || cause == AttemptCause.PENDING_THOUGH_BILLED
                        ? "BILLED"
                        : cause == AttemptCause.REFUSED ? "DECLINED" : "IN_DOUBT")
                + "', reference = 'ch_1' where invoice_id = '1'");

        String list = eve.page("/waiting", "cause", cause.name());
        ConsoleResponse invoice = ann.follow(ConsoleGuest.first(list, "href=\"(/app/console/invoice[^\"]*)\""));

        assertThat(invoice.status()).isEqualTo(200);
        assertThat(invoice.text()).contains("What is safe now", "class=\"choice");
    }

    @Test
    void an_invoices_page_tells_its_story_its_key_and_until_when_a_request_may_be_under_way() {
        provider.answering(BillingOutcome.unknown("connection reset"));
        biller.billPending();
        String key = biller.attempts(1).get(0).idempotencyKey();

        String page = eve.page("/invoice", "id", "1");

        assertThat(page)
                .contains(key, "Claimed", "Came back: in doubt", "connection reset", "remembers no keys")
                .contains("A request may be under way until");
    }

    @Test
    void who_may_only_look_has_no_button_and_a_form_of_theirs_is_refused() {
        parked();
        String page = eve.page("/invoice", "id", "1");

        assertThat(page).doesNotContain("<form", "<button>");
        for (String path :
                List.of("/decide", "/ask", "/pause", "/resume", "/snapshot", "/many", "/reconcile", "/not-billed")) {
            assertThat(eve.post(path, "id", "1").status()).as(path).isEqualTo(403);
        }
        assertThat(eve.post("/decide", "id", "1").text()).contains("LOOK", "needs DECIDE");
    }

    @Test
    void a_form_is_taken_from_the_consoles_own_pages_alone() {
        parked();
        String[] form = decision(ann.page("/invoice", "id", "1"), "RETRY");

        for (Map<String, String> headers : List.of(
                Map.of("Host", "app.test"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "cross-site"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "same-site"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "none"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "cross-site", "Origin", "https://app.test"),
                Map.of("Host", "app.test", "Origin", "https://evil.test"),
                Map.of("Host", "app.test", "Origin", "null"))) {
            assertThat(ann.sending(headers).post("/decide", form).status())
                    .as(headers.toString())
                    .isEqualTo(403);
        }
        assertThat(biller.attempts(1).get(0).parked()).isTrue();
        assertThat(ann.sending(Map.of(
                                "Host", "inner:8080", "X-Forwarded-Host", "app.test", "Origin", "https://app.test"))
                        .post("/decide", form)
                        .status())
                .isEqualTo(303);
    }

    @Test
    void a_change_is_not_made_by_a_link() {
        parked();

        assertThat(ann.get("/decide", decision(ann.page("/invoice", "id", "1"), "RETRY"))
                        .status())
                .isEqualTo(405);
        assertThat(ann.get("/pause", "why", "no").status()).isEqualTo(405);
    }

    @Test
    void what_was_done_is_said_from_a_closed_list_and_not_by_a_link_of_somebody_else() {
        String link = "/app/console/?biller=invoices&done=paused";

        assertThat(eve.follow(link).text()).contains("Paused. No server claims");
        assertThat(eve.follow("/app/console/?biller=invoices&done=You%20have%20won")
                        .text())
                .doesNotContain("You have won");
        for (Map<String, String> elsewhere : List.of(
                Map.of("Host", "app.test"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "none"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "cross-site"),
                Map.of("Host", "app.test", "Sec-Fetch-Site", "same-site", "Referer", "https://app.test/app/console/"),
                Map.of("Host", "app.test", "Referer", "https://evil.test/"))) {
            assertThat(eve.sending(elsewhere).follow(link).text())
                    .as(elsewhere.toString())
                    .doesNotContain("Paused. No server claims");
        }
        assertThat(eve.sending(Map.of("Host", "app.test", "Referer", "https://app.test/app/console/"))
                        .follow(link)
                        .text())
                .as("a browser without Sec-Fetch-Site")
                .contains("Paused. No server claims");
    }

    @Test
    void a_decision_is_made_under_the_visitors_name_and_the_row_is_marked() {
        parked();

        ConsoleResponse answer = ben.post(
                "/decide", decision(ben.page("/invoice", "id", "1"), "RESOLVE_BILLED", "reference", "ch_ledger"));

        assertThat(answer.status()).isEqualTo(303);
        assertThat(host.pending(1)).isFalse();
        assertThat(biller.attempts(1).get(0).resolvedBy()).isEqualTo("ben");
        assertThat(ben.follow(String.valueOf(answer.headers().get("Location"))).text())
                .contains("It is in the journal under your name", "Decided: charged", "looked it up", "ch_ledger");
    }

    @Test
    void of_two_who_decide_on_the_same_page_the_second_is_refused_with_the_name_of_the_first() {
        parked();
        String[] anns = decision(ann.page("/invoice", "id", "1"), "RESOLVE_DECLINED");
        String[] bens = decision(ben.page("/invoice", "id", "1"), "RESOLVE_BILLED", "reference", "ch_1");
        assertThat(ann.post("/decide", anns).status()).isEqualTo(303);

        ConsoleResponse second = ben.post("/decide", bens);

        assertThat(second.status()).isEqualTo(409);
        assertThat(second.text()).contains("has changed since", "by ann", "looked it up");
        assertThat(host.state(1)).isEqualTo("DECLINED");
    }

    @Test
    void what_was_closed_in_doubt_is_not_released_with_a_new_key_while_a_request_may_be_under_way() {
        provider.answering(BillingOutcome.unknown("connection reset"));
        biller.billPending();
        ann.post("/decide", decision(ann.page("/invoice", "id", "1"), "RESOLVE_DECLINED"));
        assertThat(host.state(1)).isEqualTo("DECLINED");

        String page = ann.page("/invoice", "id", "1");
        ConsoleResponse forced = ann.post("/decide", decision(page, "RETRY"));

        assertThat(page)
                .contains("Closed until", "A request may be under way until")
                .doesNotContain("value=\"RETRY\"");
        assertThat(forced.text()).contains("may be on its way to the provider until");
        assertThat(host.one("select due_at is null from invoice_lock.billing_attempt"))
                .isEqualTo("t");
    }

    @Test
    void not_charged_is_closed_while_a_request_may_be_under_way() {
        provider.answering(BillingOutcome.unknown("connection reset"));
        biller.billPending();

        String page = ann.page("/not-billed", "id", "1");

        assertThat(page).contains("Closed until").doesNotContain("name=\"typed\"");
        ConsoleResponse forced = ann.post(
                "/not-billed",
                "id",
                "1",
                "typed",
                "1",
                "note",
                "sure",
                "seen",
                ann.seen(ann.page("/invoice", "id", "1")));
        assertThat(forced.status()).isEqualTo(409);
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
    }

    @Test
    void not_charged_asks_for_the_invoices_id_and_for_an_access_of_its_own() {
        parked();
        String page = ann.page("/not-billed", "id", "1");
        String seen = ann.seen(page);

        assertThat(ann.post("/not-billed", "id", "1", "typed", "2", "note", "sure", "seen", seen)
                        .status())
                .isEqualTo(400);
        assertThat(ben.post("/not-billed", "id", "1", "typed", "1", "note", "sure", "seen", seen)
                        .status())
                .isEqualTo(403);
        assertThat(ben.post("/decide", decision(page, "RESOLVE_NOT_BILLED")).status())
                .isEqualTo(400);
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");

        assertThat(ann.post("/not-billed", "id", "1", "typed", "1", "note", "sure", "seen", seen)
                        .status())
                .isEqualTo(303);
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
    }

    @Test
    void a_script_stays_text_wherever_it_comes_from() {
        host.sql("create table orders (id text primary key, pending boolean not null default true, note text default '"
                + SCRIPT + "')");
        host.sql("insert into orders (id) values ('" + SCRIPT + "')");
        LockingInvoiceBiller orders =
                host.running(host.server(provider).name("\"" + SCRIPT).invoices(InvoiceTable.named("orders")));
        provider.answering(BillingOutcome.unknown(SCRIPT));
        orders.billPending();
        host.sql("update invoice_lock.billing_attempt set reference = '" + SCRIPT + "', code = '" + SCRIPT
                + "', note = '" + SCRIPT + "', resolved_by = '" + SCRIPT + "', lease_until = now()");
        ConsoleGuest guest =
                ConsoleGuest.of(new Console(ConsoleSettings.of(orders)), SCRIPT, ConsoleAccess.DECIDE_NOT_BILLED);
        String invoice = guest.page("/invoice", "id", SCRIPT);
        guest.post("/decide", "id", SCRIPT, "seen", guest.seen(invoice), "decision", "RETRY", "note", SCRIPT);
        orders.pause(SCRIPT, SCRIPT);

        for (String page : List.of(
                guest.page("/"),
                guest.page("/waiting"),
                guest.page("/invoice", "id", SCRIPT),
                guest.post("/snapshot", "id", SCRIPT).text(),
                guest.page("/not-billed", "id", SCRIPT),
                guest.page("/preview", "invoices", "10"),
                guest.post("/search", "kind", "reference", "text", SCRIPT).text(),
                guest.page("/waiting", "cause", SCRIPT),
                guest.page("/many", "incident", SCRIPT, "code", SCRIPT),
                guest.post("/reconcile", "charges", SCRIPT).text())) {
            assertThat(page).doesNotContain("<script>").contains("&lt;script");
        }
    }

    @Test
    void what_was_sent_is_shown_to_who_may_decide_and_asks_for_it_as_the_host_masks_it() {
        parked();
        Console masked = new Console(
                ConsoleSettings.of(biller).masking((field, value) -> field.equals("amount") ? "***" : value));
        ConsoleGuest asking = ConsoleGuest.of(masked, "ann", ConsoleAccess.DECIDE);

        assertThat(asking.page("/invoice", "id", "1"))
                .contains("Show the invoice as it was sent")
                .doesNotContain("due_date");
        assertThat(asking.post("/snapshot", "id", "1").text())
                .contains("due_date", "***")
                .doesNotContain("1.10");
    }

    @Test
    void it_is_found_by_invoice_key_and_reference_which_are_in_no_address() {
        biller.billPending();
        BillingAttempt attempt = biller.attempts(2).get(0);

        for (String[] asked : new String[][] {
            {"invoice", "2"}, {"key", attempt.idempotencyKey()}, {"reference", String.valueOf(attempt.reference())}
        }) {
            ConsoleResponse found = eve.post("/search", "kind", asked[0], "text", asked[1]);
            assertThat(found.status()).isEqualTo(200);
            assertThat(found.text()).contains("id=2\"");
        }
        assertThat(eve.page("/search", "kind", "key", "text", attempt.idempotencyKey()))
                .doesNotContain("id=2\"");
    }

    @Test
    void todays_charges_are_listed_and_exported() {
        biller.billPending();

        assertThat(eve.page("/charged"))
                .contains("ch_" + biller.attempts(1).get(0).idempotencyKey());
        assertThat(eve.get("/charged.csv").text().lines()).hasSize(4);
        assertThat(eve.page("/charged", "from", "2020-01-01", "until", "2020-01-02"))
                .contains("Nothing was charged");
        assertThat(eve.get("/charged", "from", "yesterday").status()).isEqualTo(400);
    }

    @Test
    void a_page_of_a_list_is_no_longer_than_fifty_and_the_next_one_goes_on() {
        host.sql("insert into invoices (id) select g from generate_series(4, 120) g");
        parked();

        String first = eve.page("/waiting");
        String second = eve.follow(ConsoleGuest.first(first, "rel=\"next\" href=\"([^\"]*)\""))
                .text();
        String third = eve.follow(ConsoleGuest.first(second, "rel=\"next\" href=\"([^\"]*)\""))
                .text();

        assertThat(first.split("class=\"mark needs\"", -1)).hasSize(51);
        assertThat(third.split("class=\"mark needs\"", -1)).hasSize(21);
        assertThat(third).doesNotContain("rel=\"next\"");
        assertThat(eve.get("/waiting.csv").text().lines()).hasSize(121);
        assertThat(eve.get("/waiting", "after", "nonsense").status()).isEqualTo(400);
    }

    @Test
    @Tag(Thorough.TAG)
    void with_a_hundred_thousand_that_wait_every_page_is_answered_and_none_holds_them_all() {
        host.sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, cause, owner, calls, "
                        + "lease_until, settled_at, invoice, message) select 'invoices', g::text, 1, md5(g::text), 'NOT_BILLED', 'TRIES_USED_UP', 'x', 1, "
                        + "now(), now(), '{\"id\": 1}', 'status 401, request req_' || g from generate_series(1, 100000) g");
        host.sql("insert into invoices (id) select g from generate_series(4, 100000) g");

        assertThat(eve.page("/")).contains("10,000 or more");
        assertThat(eve.page("/waiting"))
                .as("their messages differ by an id, and are one group")
                .contains("<b class=\"count\">10,000 or more</b>", "status 401, request …");
        for (String path : List.of(
                "/invoice?id=50000", "/charged", "/anomalies", "/waiting?cause=TRIES_USED_UP&from=2020-01-01")) {
            assertThat(eve.follow("/app/console" + path).status()).as(path).isEqualTo(200);
        }
        assertThat(ann.post("/many", "step", "try", "word", "retry", "incident", "outage")
                        .text())
                .contains("The 2,000 that were claimed last were tried");
        long[] bytes = {0};
        try {
            eve.get("/waiting.csv").body().writeTo(new java.io.OutputStream() {
                @Override
                public void write(int b) {
                    bytes[0]++;
                }

                @Override
                public void write(byte[] b, int off, int len) {
                    bytes[0] += len;
                }
            });
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        assertThat(bytes[0]).isGreaterThan(10_000_000L);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "=cmd|' /C calc'!A0",
                "+1+cmd|' /C calc'!A0",
                "-1+1",
                "@SUM(1)",
                "\t=1+1",
                "\r=1+1",
                " =1+1",
                "refused;=1+1",
                "refused; =1+1",
                "refused;\"=1+1\"",
                "refused\t=1+1",
                "refused\n=1+1",
                "refused\r\n=1+1",
                "refused,=1+1",
                "refused\";=1+1;\"",
                "\";=1+1",
                "refused;\uFF1D1+1"
            })
    void no_cell_becomes_a_formula_however_a_spreadsheet_takes_the_file_apart(String said) throws Exception {
        parked();
        try (java.sql.Connection connection = host.database().dataSource().getConnection();
                java.sql.PreparedStatement update = connection.prepareStatement(
                        "update invoice_lock.billing_attempt set message = ?, note = ?, code = ?, resolved_by = ?")) {
            for (int i = 1; i <= 4; i++) {
                update.setString(i, said);
            }
            update.executeUpdate();
        }

        String csv = eve.get("/waiting.csv").text();

        for (char separator : new char[] {',', ';', '\t', '|'}) {
            assertThat(Spreadsheet.cells(csv, separator))
                    .as("separated by %s", separator)
                    .noneMatch(Spreadsheet::isFormula);
        }
        assertThat(Spreadsheet.cells(csv, ',').stream().map(cell -> cell.replace("'", "")))
                .as("nothing is lost")
                .contains(said.replace("'", ""));
    }

    @Test
    void a_number_stays_a_number_in_a_spreadsheet() {
        host.sql("insert into invoices (id) values (-5)");
        parked();
        host.letTimePass(-5, Duration.ofDays(1));

        assertThat(eve.get("/waiting.csv").text().lines()).anyMatch(line -> line.startsWith("-5,1,\"IN_DOUBT\","));
    }

    @Test
    void billing_is_paused_and_resumed_under_the_visitors_name() {
        assertThat(ben.post("/pause").status()).isEqualTo(400);
        assertThat(ben.post("/pause", "why", "wrong amounts").status()).isEqualTo(303);
        assertThat(biller.status().pause())
                .extracting(BillingPause::by, BillingPause::why)
                .containsExactly("ben", "wrong amounts");
        ConsoleResponse second = ann.post("/pause", "why", "an outage");
        assertThat(second.status()).as("on a page that showed no pause").isEqualTo(409);
        assertThat(second.text()).contains("by ben", "wrong amounts");

        assertThat(ben.post("/resume", "seen", ben.seen(ben.page("/"))).status())
                .isEqualTo(303);
        assertThat(biller.status().pause()).isNull();
    }

    @Test
    void who_has_not_seen_why_it_is_paused_by_now_does_not_resume_it() {
        biller.pause("ann", "wrong amounts");
        String seen = ben.seen(ben.page("/"));
        biller.pause("cleo", "the provider asks us to wait");

        ConsoleResponse stale = ben.post("/resume", "seen", seen);

        assertThat(stale.status()).isEqualTo(409);
        assertThat(stale.text()).contains("paused anew", "by cleo", "the provider asks us to wait");
        assertThat(ben.post("/resume").status()).isEqualTo(400);
        assertThat(biller.status().pause()).isNotNull();
    }

    @Test
    void the_providers_list_is_compared_and_what_is_not_recorded_written_back() {
        parked();
        String key = biller.attempts(1).get(0).idempotencyKey();
        String list = "reference;time;key;amount\n\"ch_ledger\";" + java.time.Instant.now() + ";" + key + ";1.10\n";
        String[] form = {"charges", list, "from", "2026-01-01", "until", "2100-01-01", "step", "compare"};

        String compared = ben.post("/reconcile", form).text();
        assertThat(compared).contains("Charged, and not recorded", "Write back");
        assertThat(host.pending(1)).isTrue();

        form[7] = "write";
        assertThat(ben.post("/reconcile", form).text())
                .contains("1 charge was written back", "<span class=\"count\">1</span> Recorded as charged")
                .as("what was found before is not so any more")
                .doesNotContain("Charged, and not recorded", "Write back what");
        assertThat(host.pending(1)).isFalse();

        form[1] = "reference,time\nch_1,yesterday\n";
        ConsoleResponse wrong = ben.post("/reconcile", form);
        assertThat(wrong.status()).isEqualTo(400);
        assertThat(wrong.text()).contains("Line 2", "yesterday");
    }

    @Test
    void what_could_not_be_marked_after_a_write_back_is_told_with_its_cause() {
        parked();
        host.sql(
                "create function no() returns trigger language plpgsql as $$ begin raise exception 'books are closed'; end $$");
        host.sql("create trigger no before update on invoices for each row execute function no()");

        String page = ben.post("/reconcile", chargesOf(1, 2)).text();

        assertThat(page)
                .contains("2 charges were written back; 2 invoices could not be marked")
                .contains("Invoice 1 is in the journal as billed, and not marked yet", "books are closed");
    }

    @Test
    void a_write_back_that_is_cut_off_says_so_and_shows_what_is_left() {
        parked();
        host.sql(
                "create function no() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$");
        host.sql("create trigger no before update on invoice_lock.billing_attempt for each row "
                + "when (old.invoice_id = '2') execute function no()");

        ConsoleResponse cutOff = ben.post("/reconcile", chargesOf(1, 2));

        assertThat(cutOff.status()).isEqualTo(503);
        assertThat(cutOff.text())
                .contains("Writing back was cut off", "disk full", "What was recorded before it stays")
                .contains("<span class=\"count\">1</span> Recorded as charged")
                .contains("<span class=\"count\">1</span> Charged, and not recorded");
    }

    /** A form that writes back what the provider has charged. */
    private String[] chargesOf(int... invoices) {
        StringBuilder list = new StringBuilder("reference,time,key\n");
        for (int invoice : invoices) {
            list.append("ch_ledger_")
                    .append(invoice)
                    .append(',')
                    .append(java.time.Instant.now())
                    .append(',')
                    .append(biller.attempts(invoice).get(0).idempotencyKey())
                    .append('\n');
        }
        return new String[] {"charges", list.toString(), "from", "2026-01-01", "until", "2100-01-01", "step", "write"};
    }

    @Test
    void what_a_run_would_do_is_shown_with_its_sum() {
        assertThat(ben.page("/preview", "invoices", "10", "sums", "amount")).contains("6.60", ">3</dd>");
        assertThat(ben.get("/preview", "invoices", "10", "sums", "nothing").status())
                .isEqualTo(400);
    }

    @Test
    void who_may_only_look_sees_no_sum_for_the_sum_of_one_invoice_is_what_it_holds() {
        assertThat(eve.page("/preview", "invoices", "1")).contains(">1</dd>").doesNotContain("name=\"sums\"");

        ConsoleResponse sum = eve.get("/preview", "invoices", "1", "sums", "amount");

        assertThat(sum.status()).isEqualTo(400);
        assertThat(sum.text()).contains("DECIDE").doesNotContain("1.10");
    }

    @Test
    void a_biller_whose_database_is_gone_hides_no_other() {
        TestHost gone = TestHost.withInvoices(1);
        LockingInvoiceBiller other = gone.server(provider).name("shipping").build();
        Map<String, LockingInvoiceBiller> both = new java.util.LinkedHashMap<>();
        both.put("shipping", other);
        both.put("invoices", biller);
        gone.close();

        ConsoleResponse now = ConsoleGuest.of(new Console(ConsoleSettings.of(() -> both)), "ann", ConsoleAccess.LOOK)
                .get("/");

        assertThat(now.status()).isEqualTo(200);
        assertThat(now.text()).contains("shipping", "cannot be asked", "Pending invoices");
    }

    @Test
    void what_is_wrong_with_the_billers_is_said() {
        Console wrong = new Console(ConsoleSettings.of(() -> {
            throw new SetupException("Two billers are called \"invoices\".");
        }));

        ConsoleResponse answer =
                ConsoleGuest.of(wrong, "ann", ConsoleAccess.LOOK).get("/");

        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.text()).contains("Two billers are called");
    }

    @ParameterizedTest
    @CsvSource({
        "/waiting, from, -5000-01-01T00:00:00Z",
        "/charged, from, +1000000000-12-31T23:59:59Z",
        "/waiting, until, +100000-01-01T00:00:00Z"
    })
    void a_time_that_no_journal_has_is_no_outage(String path, String parameter, String time) {
        assertThat(eve.get(path, parameter, time).status()).isEqualTo(400);
    }

    @Test
    void a_character_that_no_text_may_have_is_no_outage() {
        assertThat(eve.post("/search", "kind", "key", "text", "a\0b").status()).isEqualTo(400);
    }

    @Test
    void an_amount_that_is_no_money_is_named_by_its_line_and_a_byte_order_mark_is_passed_over() {
        String list = "\uFEFFreference,time,amount\nch_1,2026-11-30T09:00:00Z,1E999999999";

        ConsoleResponse answer = ben.post("/reconcile", "charges", list, "from", "2026-01-01", "until", "2100-01-01");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("Line 2 has").doesNotContain("must name the columns");
    }

    @Test
    void an_invoices_id_keeps_its_blanks() {
        assertThat(new ConsoleRequest(
                        "GET",
                        "/invoice",
                        Map.of("id", List.of(" a "), "note", List.of(" b ")),
                        Map.of(),
                        "",
                        ConsoleVisitor.nobody()))
                .extracting(
                        request -> request.parameter("id").orElse(""),
                        request -> request.parameter("note").orElse(""))
                .containsExactly(" a ", "b");
    }

    @Test
    void the_hosts_token_is_in_every_form() {
        parked();
        ConsoleGuest signedIn = ConsoleGuest.of(
                console,
                ConsoleVisitor.named("ann", ConsoleAccess.DECIDE_NOT_BILLED).with("_csrf", "t0k3n"));

        for (String page : List.of(
                signedIn.page("/"),
                signedIn.page("/invoice", "id", "1"),
                signedIn.page("/not-billed", "id", "1"),
                signedIn.page("/many"),
                signedIn.page("/search"),
                signedIn.page("/reconcile"))) {
            assertThat(page.split("method=\"post\"", -1))
                    .hasSameSizeAs(page.split("name=\"_csrf\" value=\"t0k3n\"", -1));
        }
    }

    @Test
    void an_attempt_has_a_link_to_the_provider_by_what_is_known_of_it() {
        parked();
        Console linking = new Console(ConsoleSettings.of(biller)
                .providerLink("https://provider.test/payments/{reference}")
                .providerLink("https://provider.test/search?q={key}"));
        ConsoleGuest guest = ConsoleGuest.of(linking, "ann", ConsoleAccess.LOOK);
        BillingAttempt attempt = biller.attempts(1).get(0);

        assertThat(guest.page("/invoice", "id", "1"))
                .contains("href=\"https://provider.test/search?q=" + attempt.idempotencyKey() + "\"");
        host.sql("update invoice_lock.billing_attempt set reference = 'a b/c' where invoice_id = '1'");
        assertThat(guest.page("/invoice", "id", "1")).contains("href=\"https://provider.test/payments/a%20b%2Fc\"");
    }

    @Test
    void an_invoice_that_is_none_or_was_never_claimed_is_told() {
        assertThat(eve.get("/invoice", "id", "3").status()).isEqualTo(404);
        assertThat(eve.get("/invoice", "id", "nonsense").status()).isEqualTo(400);
        assertThat(eve.get("/invoice").status()).isEqualTo(400);
        assertThat(eve.get("/waiting", "biller", "nobody").status()).isEqualTo(404);
    }
}
