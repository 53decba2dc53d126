package io.github.invoicelock;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever text and whatever number the host's code hands over, in databases that can store some of it or nearly nothing: what happened is
 * journaled, or waits for a person; it is not sent again and again; and all other invoices are billed.
 */
@Tag(Thorough.SAMPLED)
class StormTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int TRIES = 3;
    private static final String EURO_NOTE = new String(Character.toChars(0x1F4B6));

    /** What none of them may be: null, and blank where it is a reference. */
    private static final List<String> TEXTS = List.of(
            "a\0b",
            "\0\0\0x",
            "a\uD800b",
            "a\uDC00b",
            "\uDC00\uD800x",
            "x\uD83D",
            "a" + EURO_NOTE + "b",
            "5 \u20AC",
            "\u00FC\u00DF",
            "\uFEFF\uFFFF\u0001\u001B[31mred",
            "line\r\nline\tend",
            "'; drop table invoices; -- \\ ? {0} $1 %s :x ${y}",
            "x".repeat(1 << 20),
            "x" + EURO_NOTE.repeat(1 << 18),
            "y\0".repeat(1 << 19));

    private @Nullable TestHost host;

    @AfterEach
    void close() {
        TestHost open = host;
        if (open != null) {
            open.close();
        }
    }

    /** Where a text comes from. */
    private enum Kind {
        REFERENCE,
        ACCEPTED,
        CODE,
        REASON_OF_A_REFUSAL,
        NOT_BILLED,
        UNKNOWN,
        EXCEPTION,
        ERROR_AFTER_THE_CHARGE;

        BillingOutcome outcome(TestProvider provider, BillingRequest request, String text) throws Exception {
            return switch (this) {
                case REFERENCE -> {
                    provider.charge(request);
                    yield BillingOutcome.billed(text);
                }
                case ACCEPTED -> BillingOutcome.accepted(text, Duration.ofHours(1));
                case CODE -> BillingOutcome.declined(text, "no");
                case REASON_OF_A_REFUSAL -> BillingOutcome.declined("no", text);
                case NOT_BILLED -> BillingOutcome.notBilled(text);
                case UNKNOWN -> BillingOutcome.unknown(text);
                case EXCEPTION -> throw new java.io.IOException(text);
                case ERROR_AFTER_THE_CHARGE -> {
                    provider.charge(request);
                    throw new IllegalStateException(text, new IllegalArgumentException(text));
                }
            };
        }

        boolean fitting(String state) {
            return switch (this) {
                case REFERENCE -> state.equals("BILLED");
                case ACCEPTED -> state.equals("ACCEPTED");
                case CODE, REASON_OF_A_REFUSAL -> state.equals("DECLINED");
                case NOT_BILLED -> state.equals("NOT_BILLED");
                case UNKNOWN, EXCEPTION, ERROR_AFTER_THE_CHARGE -> state.equals("IN_DOUBT");
            };
        }
    }

    private static final List<Kind> KINDS = List.of(Kind.values());

    static Stream<Arguments> encodingAndScope() {
        List<Arguments> all = encodings()
                .flatMap(encoding -> Stream.of(LockScope.values()).map(scope -> Arguments.of(encoding, scope)))
                .toList();
        return Thorough.orOneIn(6, "StormTest", all).stream();
    }

    static Stream<String> encodings() {
        return Stream.of("UTF8", "LATIN1", "SQL_ASCII");
    }

    static Stream<String> anEncoding() {
        return Thorough.orOneIn(3, "StormTest", encodings().toList()).stream();
    }

    @ParameterizedTest
    @MethodSource("encodingAndScope")
    void what_the_gateway_says(String encoding, LockScope scope) {
        TestHost storm = in(encoding);
        int each = KINDS.size();
        int hostile = TEXTS.size() * each;
        storm.invoices(2 * hostile);
        TestProvider provider = TestProvider.thatRemembers().answering((p, request) -> {
            int number = Integer.parseInt(request.invoiceId()) - 1;
            return number % 2 == 1
                    ? p.charge(request)
                    : KINDS.get(number / 2 % each).outcome(p, request, TEXTS.get(number / 2 / each));
        });
        LockingInvoiceBiller server = storm.running(stormy(storm, provider, scope));

        for (int i = 0; i < TRIES + 2; i++) {
            run(server);
        }

        Map<Integer, String> states = states(storm);
        List<String> wrong = new ArrayList<>();
        for (int number = 0; number < 2 * hostile; number++) {
            String state = states.getOrDefault(number + 1, "nothing");
            if (number % 2 == 1) {
                if (!state.equals("BILLED")) {
                    wrong.add("a healthy one is " + state);
                }
            } else {
                Kind kind = KINDS.get(number / 2 % each);
                if (!kind.fitting(state)) {
                    wrong.add(kind + " of " + name(TEXTS.get(number / 2 / each)) + " is " + state);
                }
                int sent = provider.requestsFor(number + 1).size();
                if (sent > TRIES) {
                    wrong.add(kind + " of " + name(TEXTS.get(number / 2 / each)) + " was sent " + sent + " times");
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(storm.count("invoices", "not pending")).isEqualTo(hostile + TEXTS.size());
        assertThat(provider.chargedTwice()).isEmpty();
        whatIsNotOverIsDueOrListed(storm, server);
        // SQL_ASCII counts bytes.
        int longest = encoding.equals("SQL_ASCII") ? 4 * 1_000 : 1_000;
        assertThat(storm.count("invoice_lock.billing_attempt", "length(message) > " + longest))
                .isZero();
        assertThat(storm.count(
                        "invoice_lock.billing_attempt",
                        "state in ('NOT_BILLED', 'IN_DOUBT') and coalesce(message, '') = ''"))
                .as("something can be read of each")
                .isZero();
        assertThat(server.attempts(2L * KINDS.indexOf(Kind.NOT_BILLED) + 1)
                        .get(0)
                        .message())
                .as("of \"a\\0b\"")
                .containsPattern("a.{0,6}b");
    }

    @Ways.InEveryScope
    void a_message_that_is_cut_is_not_cut_within_a_character(LockScope scope) {
        TestHost storm = in("UTF8");
        storm.invoices(2);
        TestProvider provider = TestProvider.thatRemembers()
                .answering((p, request) ->
                        BillingOutcome.unknown((request.invoiceId().equals("1") ? "" : "x") + EURO_NOTE.repeat(2_000)));
        LockingInvoiceBiller server = storm.running(stormy(storm, provider, scope));

        run(server);

        for (int id = 1; id <= 2; id++) {
            String message = requireNonNull(server.attempts(id).get(0).message());
            assertThat(message.replace(EURO_NOTE, ""))
                    .as("invoice %d", id)
                    .doesNotContain("?")
                    .doesNotContain("\uFFFD");
        }
    }

    @ParameterizedTest
    @MethodSource("encodingAndScope")
    void what_a_hook_throws(String encoding, LockScope scope) {
        TestHost storm = in(encoding);
        storm.invoices(2 * TEXTS.size());
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller server =
                storm.running(stormy(storm, provider, scope).onBilled((tx, attempt, reference) -> {
                    int number = Integer.parseInt(attempt.invoiceId()) - 1;
                    if (number % 2 == 0) {
                        throw new IllegalStateException(TEXTS.get(number / 2));
                    }
                }));

        run(server);

        assertThat(storm.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .as("every charge is in the journal")
                .isEqualTo(2 * TEXTS.size());
        assertThat(storm.count("invoices", "not pending"))
                .as("all others are marked")
                .isEqualTo(TEXTS.size());
        assertThat(provider.charges()).isEqualTo(2 * TEXTS.size());
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("encodingAndScope")
    void what_a_policy_throws_and_what_a_listener_throws(String encoding, LockScope scope) {
        TestHost storm = in(encoding);
        storm.invoices(2 * TEXTS.size());
        TestProvider provider = TestProvider.thatRemembers().answering((p, request) -> {
            int number = Integer.parseInt(request.invoiceId()) - 1;
            return number % 2 == 0 ? BillingOutcome.unknown("500") : p.charge(request);
        });
        LockingInvoiceBiller server = storm.running(stormy(storm, provider, scope)
                .retryPolicy(attempt -> {
                    throw new IllegalStateException(TEXTS.get((Integer.parseInt(attempt.invoiceId()) - 1) / 2));
                })
                .listener(new BillingListener() {
                    @Override
                    public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                        throw new IllegalStateException(TEXTS.get((Integer.parseInt(attempt.invoiceId()) - 1) / 2));
                    }
                }));

        run(server);
        run(server);

        assertThat(storm.count("invoices", "not pending")).isEqualTo(TEXTS.size());
        assertThat(storm.count("invoice_lock.billing_attempt", "state = 'IN_DOUBT' and calls = 1"))
                .isEqualTo(TEXTS.size());
        whatIsNotOverIsDueOrListed(storm, server);
    }

    @ParameterizedTest
    @MethodSource("anEncoding")
    void what_people_and_webhooks_say(String encoding) {
        TestHost storm = in(encoding);
        storm.invoices(4 * TEXTS.size());
        TestProvider provider = TestProvider.thatRemembers().answering(BillingOutcome.unknown("500"));
        // A transaction that rests longer than three seconds is ended: none may, whatever the text.
        LockingInvoiceBiller server = storm.running(stormy(storm, provider, LockScope.THROUGH_CALL)
                .callTimeout(Duration.ofSeconds(1))
                .leaseMargin(Duration.ofSeconds(1))
                .retryPolicy(RetryPolicy.every(Duration.ofHours(1), TRIES)));
        run(server);

        for (int i = 0; i < TEXTS.size(); i++) {
            String text = TEXTS.get(i);
            int first = 4 * i + 1;
            assertThatCode(() -> {
                        server.resolve(first, BillingOutcome.billed("ch"), text, text);
                        server.resolve(first + 1, BillingOutcome.declined(text, text), text, text);
                        server.report(key(server, first + 2), BillingOutcome.billed(text));
                        server.report(key(server, first + 3), BillingOutcome.notBilled(text));
                    })
                    .as(name(text))
                    .doesNotThrowAnyException();
            assertThat(List.of(first, first + 1, first + 2, first + 3))
                    .as(name(text))
                    .extracting(storm::state)
                    .containsExactly("BILLED", "DECLINED", "BILLED", "NOT_BILLED");
            assertThat(server.attempts(first).get(0).resolvedBy())
                    .as("who, of %s", name(text))
                    .isNotBlank();
        }
    }

    @Ways.InEveryScope
    void exceptions_that_cannot_even_be_printed(LockScope scope) {
        TestHost storm = in("UTF8");
        storm.invoices(8);
        IllegalStateException circle = new IllegalStateException("circle");
        circle.initCause(new IllegalStateException("round", circle));
        List<Exception> exceptions = List.of(
                new Unprintable(new IllegalStateException("no message for you")),
                new Unprintable(new StackOverflowError()),
                circle,
                new IllegalStateException());
        TestProvider provider = TestProvider.thatRemembers().answering((p, request) -> {
            int number = Integer.parseInt(request.invoiceId()) - 1;
            if (number % 2 == 0) {
                throw exceptions.get(number / 2);
            }
            return p.charge(request);
        });
        LockingInvoiceBiller server = storm.running(stormy(storm, provider, scope));

        run(server);

        assertThat(storm.count("invoices", "not pending")).isEqualTo(4);
        assertThat(storm.count("invoice_lock.billing_attempt", "state = 'IN_DOUBT' and calls = 1"))
                .isEqualTo(4);
    }

    /** From the least to the most that a Duration holds, and where its nanoseconds and milliseconds no longer fit a long. */
    private static final List<Duration> DELAYS = List.of(
            Duration.ofNanos(1),
            Duration.ofMillis(1),
            Duration.ofDays(400_000),
            Duration.ofNanos(Long.MAX_VALUE),
            Duration.ofNanos(Long.MAX_VALUE).plusNanos(1),
            Duration.ofMillis(Long.MAX_VALUE),
            Duration.ofMillis(Long.MAX_VALUE).plusMillis(1),
            Duration.ofSeconds(99_999_999_999_999L),
            Duration.ofSeconds(Long.MAX_VALUE),
            Duration.ofSeconds(Long.MAX_VALUE, 999_999_999));

    @Ways.InEveryScope
    void delays_at_both_ends(LockScope scope) {
        TestHost storm = in("UTF8");
        storm.invoices(4 * DELAYS.size());
        TestProvider provider = TestProvider.thatRemembers().answering((p, request) -> {
            int number = Integer.parseInt(request.invoiceId()) - 1;
            Duration delay = DELAYS.get(number / 4);
            return switch (number % 4) {
                case 0 -> BillingOutcome.accepted("dd", delay);
                case 1 -> BillingOutcome.notBilled("429", delay);
                case 2 -> BillingOutcome.unknown("500"); // the policy's
                default -> p.charge(request);
            };
        });
        LockingInvoiceBiller server = storm.running(stormy(storm, provider, scope)
                .retryPolicy(attempt -> attempt.state() == AttemptState.DECLINED || attempt.calls() >= TRIES
                        ? Optional.empty()
                        : Optional.of(
                                attempt.state() == AttemptState.IN_DOUBT
                                        ? DELAYS.get((Integer.parseInt(attempt.invoiceId()) - 1) / 4)
                                        : Duration.ZERO)));

        int toTheEnd = 0;
        for (int i = 0; i < 200 && toTheEnd < TRIES + 2; i++) {
            // What puts the brake on ends a run; here nobody waits for it to come off.
            storm.sql("update invoice_lock.biller set brake_until = null");
            BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();
            toTheEnd += run.stopReason() == StopReason.NONE_LEFT ? 1 : 0;
        }

        Map<Integer, String> states = states(storm);
        for (int number = 0; number < 4 * DELAYS.size(); number++) {
            String state = states.get(number + 1);
            String which = "invoice " + (number + 1) + ", " + DELAYS.get(number / 4);
            assertThat(state)
                    .as(which)
                    .isEqualTo(List.of("ACCEPTED", "NOT_BILLED", "IN_DOUBT", "BILLED")
                            .get(number % 4));
            assertThat(provider.requestsFor(number + 1).size())
                    .as(which)
                    .isLessThanOrEqualTo(number % 4 == 0 ? 1 : TRIES);
        }
        whatIsNotOverIsDueOrListed(storm, server);
    }

    private TestHost in(String encoding) {
        TestHost storm = TestHost.withEncoding(encoding);
        host = storm;
        return storm;
    }

    private static LockingInvoiceBiller.Builder stormy(TestHost storm, BillingGateway provider, LockScope scope) {
        return storm.server(provider)
                .lockScope(scope)
                .lockStrategy(scope == LockScope.CLAIM_ONLY ? LockStrategy.SKIP_LOCKED : LockStrategy.NOWAIT)
                .concurrency(4)
                .stopAfterFailures(10_000)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, TRIES));
    }

    private static void run(LockingInvoiceBiller server) {
        BillingRun run =
                Bounded.by(LIMIT, "the run", () -> server.billPending()).answer();
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
    }

    private static String key(LockingInvoiceBiller server, int invoiceId) {
        return server.attempts(invoiceId).get(0).idempotencyKey();
    }

    /** Where an attempt waits for its time, that comes within a month or so; else a person is told of it. */
    private static void whatIsNotOverIsDueOrListed(TestHost storm, LockingInvoiceBiller server) {
        Set<String> open = new HashSet<>(ids(
                storm,
                "state not in ('BILLED', 'WITHDRAWN') and (due_at is null or due_at > now() + interval '32 days')"));
        Set<String> listed =
                server.needsAttention().stream().map(BillingAttempt::invoiceId).collect(Collectors.toSet());
        assertThat(listed).containsAll(open);
    }

    private static List<String> ids(TestHost storm, String condition) {
        String all =
                storm.one("select string_agg(invoice_id, ',') from invoice_lock.billing_attempt where " + condition);
        return all == null ? List.of() : List.of(all.split(","));
    }

    private static Map<Integer, String> states(TestHost storm) {
        Map<Integer, String> states = new HashMap<>();
        try (Connection connection = storm.database().dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery("select invoice_id::int, state from invoice_lock.billing_attempt")) {
            while (row.next()) {
                states.put(row.getInt(1), row.getString(2));
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return states;
    }

    private static String name(String text) {
        return TEXTS.indexOf(text) + " (" + text.length() + " characters)";
    }

    /** Throws whenever somebody wants to know what it is. */
    private static final class Unprintable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final Throwable instead;

        Unprintable(Throwable instead) {
            this.instead = instead;
        }

        @Override
        public String getMessage() {
            if (instead instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) instead;
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }
}
