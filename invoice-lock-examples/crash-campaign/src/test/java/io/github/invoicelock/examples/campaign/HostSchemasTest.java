package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RetryPolicy;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.process.JavaProcess;
import io.github.invoicelock.examples.schemas.HostSchema;
import io.github.invoicelock.examples.schemas.HostSchema.Charge;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The schemas of {@code docs/schemas.md}, one thing at a time, and that the judge of a campaign sees what it judges. */
class HostSchemasTest {
    private static final int INVOICES = 12;

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @AfterEach
    void close() {
        database.close();
    }

    /** A provider that loses its first answer for each key. */
    private record Forgetful(HostSchema schema, Map<String, Charge> asked, Map<String, String> charges)
            implements BillingGateway {
        Forgetful(HostSchema schema) {
            this(schema, new ConcurrentHashMap<>(), new ConcurrentHashMap<>());
        }

        @Override
        public BillingOutcome bill(BillingRequest request) throws IOException {
            Charge charge = schema.charge(request.invoice());
            Charge before = asked.putIfAbsent(request.invoiceId(), charge);
            charges.put(request.invoiceId(), "ch_" + request.invoiceId());
            if (before == null) {
                throw new IOException("the answer is lost");
            }
            assertThat(charge).as("what is sent again (R4)").isEqualTo(before);
            return BillingOutcome.billed("ch_" + request.invoiceId());
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(1);
        }
    }

    static Stream<Arguments> schemasAndScopes() {
        return HostSchema.all().stream()
                .flatMap(schema ->
                        Stream.of(LockScope.values()).map(scope -> Arguments.of(schema.biller(), schema, scope)));
    }

    @ParameterizedTest(name = "{0}, {2}")
    @MethodSource("schemasAndScopes")
    void every_pending_invoice_is_billed_as_it_was_claimed_and_no_other(String name, HostSchema schema, LockScope scope)
            throws SQLException {
        tables(schema);
        Forgetful gateway = new Forgetful(schema);
        try (LockingInvoiceBiller biller = biller(schema, scope, gateway)) {
            biller.billPending();
            // Other payment methods, and one invoice more, so that the supply has something to do.
            execute(schema.supply(INVOICES + 1, INVOICES + 1));
            biller.billPending();
            biller.billPending();
        }

        Verdict verdict = Verdict.of(database.jdbcUrl(), schema, new Ledger(gateway.charges(), Set.of()));
        assertThat(verdict.asPromised()).as(verdict.toString()).isTrue();
        assertThat(verdict.billed()).isEqualTo(INVOICES + 1);
        assertThat(gateway.asked().values())
                .extracting(Charge::paymentMethod)
                .as("those of the claim")
                .filteredOn(method -> method.endsWith("_" + (INVOICES + 1)))
                .hasSize(schema.biller().equals("simple") ? 0 : 1);
    }

    @Tag("thorough")
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "shop, \"Invoice\", \"PaidAt\" is null",
                "subscriptions, billing.invoices, payment_status = 'failed'",
                "charges, invoices, status = 'uncollectible'"
            })
    void a_refusal_that_is_not_tried_again_is_set_where_the_host_has_a_state_for_it(
            String name, String table, String refused) throws SQLException {
        HostSchema schema = HostSchema.named(name);
        tables(schema);
        try (LockingInvoiceBiller biller = biller(
                schema, LockScope.THROUGH_CALL, request -> BillingOutcome.declined("card_declined", "expired"))) {
            assertThat(biller.billPending().declined()).isEqualTo(INVOICES);
            // Where the host is told by a state of its own, there is nothing left for a person to decide.
            assertThat(biller.needsAttention()).hasSize(name.equals("shop") ? INVOICES : 0);
        }

        assertThat(one("select count(*) from " + table + " where " + refused)).isEqualTo(String.valueOf(INVOICES));
        Verdict verdict = Verdict.of(database.jdbcUrl(), schema, new Ledger(Map.of(), Set.of()));
        assertThat(verdict.asPromised()).as(verdict.toString()).isTrue();
    }

    @Test
    void an_invoice_whose_refusal_was_set_is_billed_when_it_is_pending_again_and_retried() throws SQLException {
        HostSchema schema = HostSchema.named("subscriptions");
        tables(schema);
        String refused = String.valueOf(one("select id from billing.invoices where number = 'LAG-1'"));
        try (LockingInvoiceBiller biller = biller(
                schema,
                LockScope.THROUGH_CALL,
                request -> request.attempt() == 1
                        ? BillingOutcome.declined("card_declined", "expired")
                        : BillingOutcome.billed("ch_1"))) {
            biller.billPending();
            execute("update billing.invoices set payment_status = 'pending' where number = 'LAG-1'");

            biller.retry(refused);

            assertThat(biller.recover().billed()).isEqualTo(1);
        }
        assertThat(one("select payment_status from billing.invoices where number = 'LAG-1'"))
                .isEqualTo("succeeded");
    }

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void the_hook_has_what_was_charged_if_snapshots_are_kept(LockScope scope) throws SQLException {
        HostSchema schema = HostSchema.named("charges");
        tables(schema);
        List<@Nullable String> seen = new CopyOnWriteArrayList<>();
        for (boolean kept : new boolean[] {false, true}) {
            execute(
                    "update invoices set status = 'open' where id ~ '^in_[0-9]+$'; truncate invoice_lock.billing_attempt");
            seen.clear();
            LockingInvoiceBiller.Builder builder = builder(
                            schema, scope, request -> BillingOutcome.billed("ch_" + request.invoiceId()))
                    .onBilled((transaction, attempt, reference) -> seen.add(attempt.invoice()));
            try (LockingInvoiceBiller biller = kept ? builder.keepSnapshots().build() : builder.build()) {
                biller.billPending();
            }
            assertThat(seen)
                    .hasSize(INVOICES)
                    .allSatisfy(invoice -> assertThat(invoice != null && invoice.contains("amount_due"))
                            .as("kept %s: %s", kept, invoice)
                            .isEqualTo(kept));
        }
    }

    @ParameterizedTest
    @CsvSource({"shop, Invoice_unpaid", "subscriptions, invoices_to_be_paid", "charges, invoices_open"})
    void the_partial_index_of_the_schema_serves_the_search(String name, String index) throws SQLException {
        HostSchema schema = HostSchema.named(name);
        tables(schema);
        // The tables are too small for an index to pay; one whose condition does not follow from the search would not
        // be used all the same.
        execute("alter database " + database.name() + " set enable_seqscan = off");
        execute("alter database " + database.name() + " set enable_sort = off");
        try (LockingInvoiceBiller biller = biller(schema, LockScope.CLAIM_ONLY, new Forgetful(schema))) {
            biller.billPending();
        }

        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(one(
                                "select idx_scan > 0 from pg_stat_user_indexes where indexrelname = '" + index + "'"))
                        .isEqualTo("t"));
    }

    @Tag("thorough")
    @ParameterizedTest
    @CsvSource(
            delimiter = ':',
            quoteCharacter = '`',
            value = {
                "no row : delete from charges where invoice = 'in_1'",
                "two rows : insert into charges (charge, invoice, customer, amount, currency) select charge, invoice, customer, amount, currency from charges where invoice = 'in_1'",
                "another reference : update charges set charge = 'ch_other' where invoice = 'in_1'"
            })
    void the_judge_sees_an_invoice_that_has_not_just_the_row_of_its_charge(String name, String harm) throws Exception {
        HostSchema schema = HostSchema.named("charges");
        tables(schema);
        Forgetful gateway = new Forgetful(schema);
        try (LockingInvoiceBiller biller = biller(schema, LockScope.THROUGH_CALL, gateway)) {
            biller.billPending();
            biller.billPending();
        }
        execute(harm);

        Verdict verdict = Verdict.of(database.jdbcUrl(), schema, new Ledger(gateway.charges(), Set.of()));

        assertThat(verdict.asPromised()).isFalse();
        assertThat(verdict.wrongRows()).singleElement().asString().startsWith("in_1 ");
    }

    @Test
    void the_provider_takes_no_other_request_under_a_key_than_the_first() throws Exception {
        JavaProcess process = JavaProcess.start(Provider.class, "1", "true", "false");
        try {
            URI provider = URI.create("http://127.0.0.1:" + process.awaitLine("READY"));

            assertThat(List.of(
                            post(provider, "10 usd pm_1"),
                            post(provider, "10 usd pm_1"),
                            post(provider, "10 usd pm_2")))
                    .containsExactly(200, 200, 409);

            Ledger ledger = Ledger.of(provider);
            assertThat(ledger.otherRequests()).containsExactly("7");
            assertThat(ledger.charges()).isEqualTo(new TreeMap<>(Map.of("7", "ch_1")));
        } finally {
            process.kill();
        }
    }

    @Test
    void a_schema_that_is_not_there_is_named() {
        assertThatThrownBy(() -> HostSchema.named("shops"))
                .hasMessage("There is no schema shops. It must be one of simple, shop, subscriptions, charges.");
    }

    private static int post(URI provider, String body) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(provider.resolve("/charges/7"))
                                .header("Idempotency-Key", "key")
                                .header(Gateway.GIVEN_UP_AT, String.valueOf(Long.MAX_VALUE / 2))
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private void tables(HostSchema schema) throws SQLException {
        execute(schema.ddl());
        execute(schema.supply(1, INVOICES));
        InvoiceLockSchema.migrate(database.dataSource());
    }

    private LockingInvoiceBiller biller(HostSchema schema, LockScope scope, BillingGateway gateway) {
        return builder(schema, scope, gateway).build();
    }

    private LockingInvoiceBiller.Builder builder(HostSchema schema, LockScope scope, BillingGateway gateway) {
        return LockingInvoiceBiller.builder(database.dataSource(), gateway)
                .name(schema.biller())
                .invoices(schema.invoices())
                .onBilled(schema.onBilled())
                .lockScope(scope)
                .concurrency(2)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 9));
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private String one(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
