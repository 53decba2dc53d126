package io.github.invoicelock.examples.stripe.demo;

import com.stripe.StripeClient;
import com.stripe.exception.StripeException;
import com.stripe.model.PaymentIntent;
import com.stripe.param.CustomerCreateParams;
import com.stripe.param.PaymentIntentListParams;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.Fault;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.Request;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.SignedEvent;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Starts two servers, lets a lot go wrong, kills one of them in the middle of a charge, and ends with 0 only if every invoice was charged
 * once. With {@code STRIPE_API_KEY} in the environment it does so with Stripe itself, in test mode. With the argument {@code console} some
 * invoices are left to people, who decide them in a browser, and it ends with 0 only if no invoice was charged twice.
 */
public final class Demo {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String WEBHOOK_SECRET = "whsec_demonstration";
    private static final String ROW = "  %-44s %8s %5s %6s %5s %5s %6s%n";

    private final @Nullable FakeStripe fake;
    private final @Nullable String apiKey;
    private final boolean peopleDecide;
    private final PostgresDatabase database;
    private final Tables tables;
    private final StripeClient stripe;
    private final Map<Story, List<String>> invoices = new EnumMap<>(Story.class);
    private final Map<Story, String> customers = new EnumMap<>(Story.class);

    private Demo(@Nullable FakeStripe fake, @Nullable String apiKey, boolean peopleDecide, PostgresDatabase database) {
        this.fake = fake;
        this.apiKey = apiKey;
        this.peopleDecide = peopleDecide;
        this.database = database;
        this.tables = new Tables(database);
        StripeClient.StripeClientBuilder builder =
                StripeClient.builder().setApiKey(apiKey == null ? "sk_test_demonstration" : apiKey);
        this.stripe = (fake == null ? builder : builder.setApiBase(fake.apiBase())).build();
    }

    /**
     * Plays the demonstration.
     *
     * @param arguments {@code console}, if people are to decide; else anything
     * @throws Exception if a process does not start
     */
    public static void main(String[] arguments) throws Exception {
        System.setProperty("logback.configurationFile", "demo/logback.xml");
        String apiKey = System.getenv("STRIPE_API_KEY");
        if (apiKey != null && !apiKey.startsWith("sk_test_")) {
            System.err.println(
                    "STRIPE_API_KEY is not a key of Stripe's test mode: it must begin with sk_test_. Nothing was done.");
            System.exit(2);
        }
        boolean peopleDecide = List.of(arguments).contains("console");
        boolean asPromised;
        try (PostgresServer postgres = PostgresServer.start();
                PostgresDatabase database = postgres.createDatabase();
                FakeStripe fake = apiKey == null ? FakeStripe.start(Clock.systemUTC(), WEBHOOK_SECRET) : null) {
            asPromised = new Demo(fake, apiKey, peopleDecide, database).play();
        }
        System.exit(asPromised ? 0 : 1);
    }

    private boolean play() throws IOException, InterruptedException, SQLException, StripeException {
        say(
                fake == null
                        ? "Stripe, in test mode."
                        : "A local Stripe. With STRIPE_API_KEY=sk_test_… in the environment: the real one.");
        try (Server a = server("A");
                Server b = server("B")) {
            say("Two servers are up, " + a.address() + " and " + b.address()
                    + "; the host's tables and the journal are migrated. Invoices come in …");
            insertInvoices();
            Server survivor = b;
            if (fake == null) {
                await(() -> !tables.billed().isEmpty());
                a.kill();
                say("Server A was killed; B goes on alone.");
            } else {
                survivor = killInMidCall(fake, a, b);
                giveAnotherCard();
                tellOfDebit(fake, survivor.address());
            }
            List<String> forPeople = forPeople();
            boolean done =
                    await(() -> tables.parked().containsAll(forPeople) && forPeople.containsAll(tables.pending()));
            say(
                    done
                            ? forPeople.isEmpty() ? "Nothing is pending any more." : "Nothing else is pending any more."
                            : "Still pending after " + PATIENCE.toSeconds() + " s: " + tables.pending());
            if (peopleDecide) {
                letPeopleDecide(survivor.address(), forPeople);
            }
        }
        return show();
    }

    private List<String> forPeople() {
        return invoices.entrySet().stream()
                .filter(story -> story.getKey().isForPeople())
                .flatMap(story -> story.getValue().stream())
                .toList();
    }

    /** Until somebody presses Enter. The servers go on meanwhile: what is released is billed within a second. */
    private void letPeopleDecide(URI server, List<String> forPeople) throws SQLException, IOException {
        tables.changePaymentMethod(of(Story.AUTHENTICATION).get(0), "pm_card_visa");
        System.out.println();
        say(forPeople.size() + " invoices wait for a person. Open the console, and sign in with the password \""
                + DemoPeople.PASSWORD + "\":");
        say("  " + server.resolve("/invoice-lock/"));
        for (DemoPeople.Person person : DemoPeople.Person.values()) {
            say("  " + person.user() + "  " + person.may());
        }
        say("The customer of invoices " + String.join(" and ", of(Story.AUTHENTICATION))
                + " has told you of another card: release them.");
        if (fake != null) {
            say("Invoice " + of(Story.ERROR_SAVED).get(0) + " is in doubt: look for its key at the provider, "
                    + fake.dashboard() + ", and decide.");
        }
        say("Enter ends the demonstration.");
        int read = System.in.read();
        while (read >= 0 && read != '\n') {
            read = System.in.read();
        }
    }

    private Server server(String name) throws IOException {
        return Server.start(
                name,
                apiKey == null ? "sk_test_server_" + name.toLowerCase(Locale.ROOT) : apiKey,
                List.of(
                        "--server.port=0",
                        "--server.address=127.0.0.1",
                        "--logging.config=classpath:demo/logback.xml",
                        "--spring.datasource.url=" + database.jdbcUrl(),
                        "--stripe.api-key=${STRIPE_API_KEY}",
                        "--stripe.api-base=" + (fake == null ? com.stripe.Stripe.LIVE_API_BASE : fake.apiBase()),
                        "--stripe.webhook-secret=" + WEBHOOK_SECRET,
                        "--invoice-lock.console.provider-links=" + providerLinks(),
                        // A day in a second, and a minute in half of one.
                        "--billing.pending=* * * * * *",
                        "--billing.recover=PT0.5S",
                        "--billing.empty-account=PT3S",
                        "--billing.try-again=PT1S"));
    }

    private String providerLinks() {
        return fake == null
                ? "https://dashboard.stripe.com/test/payments/{reference},https://dashboard.stripe.com/test/search?query={key}"
                : fake.dashboard() + "?of={reference}," + fake.dashboard() + "?of={key}";
    }

    private boolean isPlayed(Story story) {
        return (peopleDecide || !story.isForPeople()) && (fake != null || story.isPossibleWithStripe());
    }

    private void insertInvoices() throws SQLException, StripeException {
        for (Story story : Story.values()) {
            if (!isPlayed(story)) {
                continue;
            }
            String customer = stripe.customers()
                    .create(CustomerCreateParams.builder()
                            .setDescription("invoice-lock demonstration: " + story.title())
                            .build())
                    .getId();
            customers.put(story, customer);
            Fault fault = story.fault();
            invoices.put(story, tables.insert(customer, story.paymentMethod(), story.invoices(), ids -> {
                if (fake != null && fault != null) {
                    ids.forEach(id -> fake.goWrong(id, fault));
                }
            }));
        }
    }

    /** The server that was charging when the fault came. */
    private Server killInMidCall(FakeStripe stripeHere, Server a, Server b) throws InterruptedException {
        stripeHere.awaitReached();
        String invoice = of(Story.KILLED).get(0);
        String caller = stripeHere.requests().stream()
                .filter(request -> invoice.equals(request.parameters().get("metadata[invoice_id]")))
                .map(Request::apiKey)
                .findFirst()
                .orElseThrow();
        Server killed = a.apiKey().equals(caller) ? a : b;
        Server survivor = killed == a ? b : a;
        killed.kill();
        say("Server " + killed.name() + " was killed: invoice " + invoice + " is charged, and nobody has heard. Server "
                + survivor.name() + " goes on alone.");
        return survivor;
    }

    private void giveAnotherCard() throws SQLException, InterruptedException {
        String invoice = of(Story.EMPTY_ACCOUNT).get(0);
        await(() -> tables.states(invoice).contains("DECLINED"));
        tables.changePaymentMethod(invoice, "pm_card_visa");
        say("Invoice " + invoice + " was declined: insufficient funds. The customer gives another card.");
    }

    private void tellOfDebit(FakeStripe stripeHere, URI server) throws IOException, InterruptedException, SQLException {
        String invoice = of(Story.BANK_DEBIT).get(0);
        await(() -> tables.states(invoice).contains("ACCEPTED"));
        SignedEvent event = stripeHere.settleDebit(invoice, true);
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(server.resolve("/stripe/webhook"))
                                .header("Content-Type", "application/json")
                                .header("Stripe-Signature", event.signature())
                                .POST(HttpRequest.BodyPublishers.ofString(event.body()))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        say("The bank has debited invoice " + invoice + "; Stripe's webhook says so (" + answer.statusCode() + ").");
    }

    private List<String> of(Story story) {
        return java.util.Objects.requireNonNull(invoices.get(story));
    }

    private boolean show() throws SQLException, StripeException {
        Map<String, Integer> ledger = ledger();
        List<String> pending = tables.pending();
        boolean everyInvoiceOnce = pending.isEmpty();
        boolean noneTwice = true;
        System.out.println();
        System.out.printf(Locale.ROOT, ROW, "", "invoices", "once", "twice", "left", "keys", "calls");
        for (Map.Entry<Story, List<String>> story : invoices.entrySet()) {
            int once = 0;
            int twice = 0;
            int left = 0;
            int keys = 0;
            int calls = 0;
            for (String invoice : story.getValue()) {
                int charges = ledger.getOrDefault(invoice, 0);
                once += charges == 1 ? 1 : 0;
                twice += charges > 1 ? 1 : 0;
                left += pending.contains(invoice) ? 1 : 0;
                keys += tables.states(invoice).size();
                calls += tables.calls(invoice);
            }
            everyInvoiceOnce &= once == story.getValue().size();
            noneTwice &= twice == 0;
            System.out.printf(
                    Locale.ROOT, ROW, story.getKey().title(), story.getValue().size(), once, twice, left, keys, calls);
        }
        System.out.println();
        boolean asPromised = everyInvoiceOnce || (peopleDecide && noneTwice);
        say(
                everyInvoiceOnce
                        ? "Every invoice was charged once."
                        : asPromised ? "No invoice was charged twice." : "NOT AS PROMISED: see above.");
        return asPromised;
    }

    /** Charges by invoice, by whoever has the money. */
    private Map<String, Integer> ledger() throws StripeException {
        if (fake != null) {
            return fake.ledger();
        }
        Map<String, Integer> ledger = new HashMap<>();
        for (String customer : customers.values()) {
            PaymentIntentListParams all = PaymentIntentListParams.builder()
                    .setCustomer(customer)
                    .setLimit(100L)
                    .build();
            for (PaymentIntent intent : stripe.paymentIntents().list(all).autoPagingIterable()) {
                if ("succeeded".equals(intent.getStatus())) {
                    ledger.merge(String.valueOf(intent.getMetadata().get("invoice_id")), 1, Integer::sum);
                }
            }
        }
        return ledger;
    }

    @FunctionalInterface
    private interface Condition {
        boolean holds() throws SQLException;
    }

    private static boolean await(Condition condition) throws SQLException, InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() - end >= 0) {
                return false;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
        return true;
    }

    private static void say(String text) {
        System.out.println(text);
    }
}
