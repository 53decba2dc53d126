package io.github.invoicelock.testkit;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Method;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jooq.Record;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

/** Each defect is caught, by the checks that are made for it and by no other. */
class BillingGatewayContractTest {

    /** On a wrong gateway: the checks that must fail for it, and no other. */
    @Retention(RetentionPolicy.RUNTIME)
    @interface CaughtBy {
        String[] value();
    }

    @Test
    void every_check_catches_something() {
        Set<String> catching = Stream.of(BillingGatewayContractTest.class.getDeclaredClasses())
                .filter(nested -> nested.isAnnotationPresent(CaughtBy.class))
                .flatMap(wrong -> Stream.of(checksThatCatch(wrong)))
                .collect(toSet());

        assertThat(catching)
                .containsExactlyInAnyOrderElementsOf(Stream.of(BillingGatewayContract.class.getDeclaredMethods())
                        .filter(method -> method.isAnnotationPresent(Test.class))
                        .map(Method::getName)
                        .toList());
    }

    // Those that do it right.

    @Test
    void a_careful_gateway_passes_every_check() {
        Events checks = run(Careful.class);

        assertThat(failed(checks)).isEmpty();
        assertThat(skipped(checks)).isEmpty();
        assertThat(checks.succeeded().count()).as("checks").isGreaterThan(25);
    }

    static class Careful extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider);
        }
    }

    @Test
    void a_gateway_that_neither_remembers_nor_finds_passes_and_the_rest_is_skipped() {
        Events checks = run(OffersNothing.class);

        assertThat(failed(checks)).isEmpty();
        assertThat(skipped(checks).keySet())
                .containsExactlyInAnyOrder(
                        "the_snapshot_is_sent_not_the_live_row",
                        "the_providers_retry_after_is_handed_on",
                        "find_sees_a_charge_at_once",
                        "find_sees_a_charge_whose_answer_was_lost",
                        "find_does_not_know_a_key_that_was_never_sent",
                        "find_asks_for_the_key_not_for_the_invoice",
                        "find_does_not_take_a_refused_charge_for_billed",
                        "find_sends_no_charge",
                        "a_look_up_that_fails_is_unknown",
                        "a_look_up_that_hangs_ends_by_its_time_out",
                        "the_same_key_twice_charges_once");
        assertThat(skipped(checks)).allSatisfy((check, why) -> assertThat(why).isNotBlank());
    }

    static class OffersNothing extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            CarefulGateway careful = new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() == 429 ? BillingOutcome.notBilled("rate limited") : super.billed(answer);
                }
            };
            return new BillingGateway() {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    return careful.bill(request);
                }
            };
        }

        @Override
        protected Refusal refusal() {
            return Refusal.answered(
                    402, "application/json", "{\"id\":\"ch_0\",\"status\":\"failed\",\"code\":\"card_declined\"}");
        }

        @Override
        protected boolean changeLiveRow(Record invoice) {
            return false;
        }

        @Override
        protected OptionalInt countCharges(Record invoice) {
            return OptionalInt.empty();
        }
    }

    @Test
    void a_refusal_that_the_kit_plays_cannot_be_asked_about() {
        assertThat(skipped(run(RefusalPlayed.class)))
                .containsOnlyKeys("find_does_not_take_a_refused_charge_for_billed");
    }

    static class RefusalPlayed extends Careful {
        @Override
        protected Refusal refusal() {
            return Refusal.answered(402, "application/json", "{\"id\":\"ch_0\",\"status\":\"failed\"}");
        }
    }

    @Test
    void a_gateway_whose_search_lags_passes_if_it_says_so() {
        Events checks = run(LagDeclared.class);

        assertThat(failed(checks)).isEmpty();
    }

    static class LagDeclared extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                private int found;

                @Override
                BillingOutcome found(HttpResponse<String> answer) {
                    BillingOutcome outcome = super.found(answer);
                    boolean known = outcome instanceof BillingOutcome.Billed;
                    return known && ++found < 3 ? BillingOutcome.notBilled("not yet in the index") : outcome;
                }

                @Override
                public Duration findLag() {
                    return Duration.ofMinutes(1);
                }
            };
        }
    }

    @Test
    void a_provider_with_other_habits_can_be_described() {
        Events checks = run(OtherHabits.class);

        assertThat(failed(checks)).isEmpty();
        assertThat(skipped(checks)).isEmpty();
    }

    /** The key travels under another header, and look-ups go by POST. */
    static class OtherHabits extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpRequest charge(BillingRequest request) {
                    return HttpRequest.newBuilder(super.charge(request), (name, value) -> true)
                            .header("X-Request", "charge " + key(request))
                            .build();
                }

                @Override
                public BillingOutcome find(BillingRequest request) throws Exception {
                    send(to("/customers", request)
                            .POST(HttpRequest.BodyPublishers.ofString("log in"))
                            .build());
                    return super.find(request);
                }
            };
        }

        @Override
        protected Optional<String> keyOf(SentRequest request) {
            return request.header("x-request").map(value -> value.substring("charge ".length()));
        }

        @Override
        protected boolean charges(SentRequest request) {
            return super.charges(request) && !request.text().equals("log in");
        }

        @Override
        protected String parametersOf(SentRequest request) {
            return request.text();
        }
    }

    @Test
    void a_provider_that_is_not_there_is_no_defect_of_the_gateway() {
        Events checks = run(NobodyThere.class);

        assertThat(failed(checks).get("a_server_error_is_unknown"))
                .startsWith(
                        "The check cannot be made: POST /v1/charges could not be forwarded to http://127.0.0.1:1/v1");
    }

    static class NobodyThere extends Careful {
        @Override
        protected URI provider() {
            return URI.create("http://127.0.0.1:1/v1");
        }
    }

    @Test
    void an_invoice_without_a_column_id_is_told_how_to_name_it() {
        Events checks = run(NumberedInvoices.class);

        assertThat(failed(checks).values())
                .hasSizeGreaterThan(25)
                .allSatisfy(message -> assertThat(message)
                        .contains("without a column \"id\"", "invoice_no, amount", "Override idOf(Record)"));
    }

    static class NumberedInvoices extends Careful {
        @Override
        protected Record invoice() {
            return super.invoice().into(DSL.field(DSL.name("invoice_no")), DSL.field(DSL.name("amount")));
        }

        @Override
        protected Refusal refusal() {
            return Refusal.of(this::invoice);
        }
    }

    @Test
    void an_invoice_whose_id_is_null_is_told_how_to_name_it() {
        Events checks = run(UnsavedInvoices.class);

        assertThat(failed(checks).values())
                .hasSizeGreaterThan(25)
                .allSatisfy(message -> assertThat(message).contains("column \"id\" is null", "override idOf(Record)"));
    }

    static class UnsavedInvoices extends Careful {
        @Override
        protected Record invoice() {
            Record invoice = super.invoice();
            invoice.set(DSL.field(DSL.name("id"), SQLDataType.BIGINT), null);
            return invoice;
        }

        @Override
        protected Refusal refusal() {
            return Refusal.of(this::invoice);
        }
    }

    // The key.

    @Test
    void a_random_key_is_caught() {
        assertCaught(RandomKey.class);
    }

    @CaughtBy({
        "the_key_reaches_the_provider_unchanged",
        "the_same_key_twice_charges_once",
        "find_sees_a_charge_at_once",
        "find_sees_a_charge_whose_answer_was_lost",
        "calls_at_once_keep_keys_and_invoices_apart"
    })
    static class RandomKey extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                String key(BillingRequest request) {
                    return UUID.randomUUID().toString();
                }
            };
        }
    }

    @Test
    void no_key_is_caught() {
        assertCaught(NoKey.class);
    }

    @CaughtBy({
        "another_key_of_the_same_invoice_is_sent_as_another_key",
        "calls_at_once_keep_keys_and_invoices_apart",
        "find_sees_a_charge_at_once",
        "find_sees_a_charge_whose_answer_was_lost",
        "the_key_reaches_the_provider_unchanged",
        "the_same_key_twice_charges_once"
    })
    static class NoKey extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpRequest charge(BillingRequest request) {
                    return to("/charges", request)
                            .POST(HttpRequest.BodyPublishers.ofString(parameters(request)))
                            .build();
                }
            };
        }
    }

    @Test
    void a_key_cut_short_is_caught() {
        assertCaught(KeyCutShort.class);
    }

    @CaughtBy({
        "another_key_of_the_same_invoice_is_sent_as_another_key",
        "calls_at_once_keep_keys_and_invoices_apart",
        "the_key_reaches_the_provider_unchanged"
    })
    static class KeyCutShort extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                String key(BillingRequest request) {
                    return request.idempotencyKey().substring(0, 30);
                }

                @Override
                HttpRequest question(BillingRequest request) {
                    return to("/charges/" + key(request), request).build();
                }
            };
        }
    }

    // One request for each call.

    @Test
    void retries_of_the_client_are_caught() {
        assertCaught(ClientRetries.class);
    }

    @CaughtBy({
        "the_client_does_not_repeat_after_a_lost_answer",
        "the_client_does_not_repeat_after_a_rate_limit",
        "the_client_does_not_repeat_after_a_server_error",
        "the_client_does_not_repeat_after_a_time_out"
    })
    static class ClientRetries extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    return retried(this, request, key(request));
                }
            };
        }
    }

    @Test
    void retries_under_another_key_are_caught() {
        assertCaught(RetriesUnderAnotherKey.class);
    }

    @CaughtBy({
        "no_failure_brings_another_key",
        "the_client_does_not_repeat_after_a_lost_answer",
        "the_client_does_not_repeat_after_a_rate_limit",
        "the_client_does_not_repeat_after_a_server_error",
        "the_client_does_not_repeat_after_a_time_out"
    })
    static class RetriesUnderAnotherKey extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    return retried(this, request, UUID.randomUUID().toString());
                }
            };
        }
    }

    private static BillingOutcome retried(CarefulGateway gateway, BillingRequest request, String secondKey)
            throws Exception {
        try {
            HttpResponse<String> answer = gateway.send(gateway.charge(request));
            if (answer.statusCode() < 429) {
                return gateway.billed(answer);
            }
        } catch (ConnectException e) {
            return BillingOutcome.notBilled("the provider refused the connection");
        } catch (InterruptedException e) {
            throw e;
        } catch (IOException e) {
            // and again
        }
        HttpRequest again = HttpRequest.newBuilder(
                        gateway.charge(request), (name, value) -> !name.equalsIgnoreCase("Idempotency-Key"))
                .header("Idempotency-Key", secondKey)
                .build();
        return gateway.billed(gateway.send(again));
    }

    @Test
    void the_silent_repetition_of_http_url_connection_is_caught() {
        assertCaught(UrlConnection.class);
    }

    /** {@link HttpURLConnection} sends a POST again when the connection breaks, unless {@code sun.net.http.retryPost} is false. */
    @CaughtBy("the_client_does_not_repeat_after_a_lost_answer")
    static class UrlConnection extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    HttpURLConnection connection = (HttpURLConnection)
                            URI.create(provider + "/charges").toURL().openConnection();
                    connection.setRequestMethod("POST");
                    connection.setRequestProperty("Idempotency-Key", request.idempotencyKey());
                    connection.setReadTimeout((int) request.timeout().toMillis());
                    connection.setDoOutput(true);
                    try {
                        connection.getOutputStream().write(parameters(request).getBytes(StandardCharsets.UTF_8));
                    } catch (ConnectException e) {
                        return BillingOutcome.notBilled("the provider refused the connection");
                    }
                    int status = connection.getResponseCode();
                    String retryAfter = connection.getHeaderField("Retry-After");
                    return switch (status) {
                        case 200 -> outcome(read(connection.getInputStream()));
                        case 402 -> outcome(read(connection.getErrorStream()));
                        case 429 -> BillingOutcome.notBilled("", Duration.ofSeconds(Long.parseLong(retryAfter)));
                        default -> BillingOutcome.unknown("status " + status);
                    };
                }
            };
        }

        private static String read(InputStream in) throws IOException {
            try (in) {
                return new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
        }

        @Override
        protected boolean endsWhenInterrupted() {
            return false;
        }
    }

    @Tag("thorough")
    @Test
    void two_requests_for_one_call_are_caught() {
        assertCaught(TwoRequests.class);
    }

    @CaughtBy({
        "find_sends_no_charge",
        "one_call_sends_one_charge",
        "the_key_reaches_the_provider_unchanged",
        "the_same_key_twice_charges_once"
    })
    static class TwoRequests extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    BillingOutcome first = super.bill(request);
                    if (first instanceof BillingOutcome.Billed) {
                        send(to("/charges", request)
                                .header("Idempotency-Key", key(request) + "-fee")
                                .POST(HttpRequest.BodyPublishers.ofString(parameters(request)))
                                .build());
                    }
                    return first;
                }
            };
        }
    }

    // The same key means the same request.

    @Test
    void a_clock_in_the_parameters_is_caught() {
        assertCaught(ClockInParameters.class);
    }

    @CaughtBy("the_same_key_always_sends_the_same_request")
    static class ClockInParameters extends FakeProviderContract {
        private static long read = System.nanoTime();
        private static long reading;

        @Override
        protected BillingGateway gateway(URI provider) {
            // One reading for each server, which a server that is made at once shares: a clock read at each call would
            // now and
            // then go on among calls at once, too.
            long now = System.nanoTime();
            reading += now - read > TimeUnit.SECONDS.toNanos(1) ? 1 : 0;
            read = now;
            long second = reading;
            return new CarefulGateway(provider) {
                @Override
                String parameters(BillingRequest request) {
                    return super.parameters(request) + "&second=" + second;
                }
            };
        }

        @Override
        Duration betweenServers() {
            return Duration.ofMillis(1_100);
        }
    }

    @Test
    void the_live_row_read_instead_of_the_snapshot_is_caught() {
        assertCaught(LiveRow.class);
    }

    @CaughtBy("the_snapshot_is_sent_not_the_live_row")
    static class LiveRow extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                String parameters(BillingRequest request) {
                    return "invoice=" + request.invoiceId() + "&amount=" + LIVE_ROWS.get(request.invoiceId());
                }
            };
        }
    }

    // What bill tells.

    @Test
    void a_blank_reference_is_caught() {
        assertCaught(BlankReference.class);
    }

    /** It throws in bill, since {@link BillingOutcome#billed} takes no blank reference: find alone still tells the charge. */
    @CaughtBy({"a_charge_is_billed_under_the_providers_reference", "calls_at_once_keep_keys_and_invoices_apart"})
    static class BlankReference extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    BillingOutcome told = super.billed(answer);
                    return told instanceof BillingOutcome.Billed ? BillingOutcome.billed(" ") : told;
                }
            };
        }
    }

    @Test
    void a_refusal_taken_for_unknown_is_caught() {
        assertCaught(RefusalUnknown.class);
    }

    @CaughtBy("a_refusal_is_declined")
    static class RefusalUnknown extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() == 402 ? BillingOutcome.unknown("402") : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_refusal_taken_for_billed_is_caught() {
        assertCaught(RefusalBilled.class);
    }

    /** Looks at whether there is a charge, not at its state; in find, too. */
    @CaughtBy({"a_refusal_is_declined", "find_does_not_take_a_refused_charge_for_billed"})
    static class RefusalBilled extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return told(answer, super.billed(answer));
                }

                @Override
                BillingOutcome found(HttpResponse<String> answer) {
                    return told(answer, super.found(answer));
                }

                private BillingOutcome told(HttpResponse<String> answer, BillingOutcome otherwise) {
                    return field(answer.body(), "id")
                            .map(BillingOutcome::billed)
                            .orElse(otherwise);
                }
            };
        }
    }

    @Test
    void a_rate_limit_taken_for_a_refusal_is_caught() {
        assertCaught(RateLimitDeclined.class);
    }

    @CaughtBy("a_rate_limit_is_not_billed")
    static class RateLimitDeclined extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() == 429
                            ? BillingOutcome.declined("429", "too many requests")
                            : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_retry_after_misread_is_caught() {
        assertCaught(RetryAfterMisread.class);
    }

    @CaughtBy("the_providers_retry_after_is_handed_on")
    static class RetryAfterMisread extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() == 429
                            ? BillingOutcome.notBilled("rate limited", Duration.ofMillis(7))
                            : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_server_error_taken_for_a_refusal_is_caught() {
        assertCaught(ServerErrorDeclined.class);
    }

    @CaughtBy("a_server_error_is_unknown")
    static class ServerErrorDeclined extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() >= 500
                            ? BillingOutcome.declined(String.valueOf(answer.statusCode()), "failed")
                            : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_service_unavailable_taken_for_not_billed_is_caught() {
        assertCaught(UnavailableNotBilled.class);
    }

    @CaughtBy("a_server_error_is_unknown")
    static class UnavailableNotBilled extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() == 503 ? BillingOutcome.notBilled("503") : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_time_out_taken_for_not_billed_is_caught() {
        assertCaught(TimeOutNotBilled.class);
    }

    @CaughtBy("a_time_out_is_unknown")
    static class TimeOutNotBilled extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    try {
                        return super.bill(request);
                    } catch (HttpTimeoutException e) {
                        return BillingOutcome.notBilled("too slow");
                    }
                }
            };
        }
    }

    @Test
    void a_lost_answer_taken_for_a_refusal_is_caught() {
        assertCaught(LostAnswerDeclined.class);
    }

    @CaughtBy({"a_lost_answer_is_unknown", "an_answer_without_sense_is_unknown"})
    static class LostAnswerDeclined extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    try {
                        return super.bill(request);
                    } catch (HttpTimeoutException e) {
                        throw e;
                    } catch (IOException e) {
                        return BillingOutcome.declined("io", "connection lost");
                    }
                }
            };
        }
    }

    @Test
    void an_exception_swallowed_and_taken_for_billed_is_caught() {
        assertCaught(ExceptionSwallowed.class);
    }

    @CaughtBy({
        "a_lost_answer_is_unknown",
        "a_time_out_is_unknown",
        "an_answer_without_sense_is_unknown",
        "an_interrupted_call_ends_and_claims_nothing"
    })
    static class ExceptionSwallowed extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) {
                    BillingOutcome outcome = BillingOutcome.billed(request.idempotencyKey());
                    try {
                        outcome = super.bill(request);
                    } catch (Exception e) {
                        // it will be all right
                    }
                    return outcome;
                }
            };
        }
    }

    @Test
    void an_answer_without_sense_taken_for_billed_is_caught() {
        assertCaught(AnyBodyBilled.class);
    }

    @CaughtBy("an_answer_without_sense_is_unknown")
    static class AnyBodyBilled extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    return answer.statusCode() == 200
                            ? BillingOutcome.billed(field(answer.body(), "id").orElse("null"))
                            : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_conflict_taken_for_a_refusal_is_caught() {
        assertCaught(ConflictDeclined.class);
    }

    @CaughtBy("an_answer_that_decides_nothing_is_no_refusal")
    static class ConflictDeclined extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome billed(HttpResponse<String> answer) {
                    boolean client = answer.statusCode() / 100 == 4 && answer.statusCode() != 429;
                    return client ? BillingOutcome.declined("4xx", answer.body()) : super.billed(answer);
                }
            };
        }
    }

    @Test
    void a_refused_connection_taken_for_a_refusal_is_caught() {
        assertCaught(ConnectionDeclined.class);
    }

    @CaughtBy("a_refused_connection_is_no_refusal")
    static class ConnectionDeclined extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    try {
                        return billed(send(charge(request)));
                    } catch (ConnectException e) {
                        return BillingOutcome.declined("connect", "refused");
                    }
                }
            };
        }
    }

    @Tag("thorough")
    @Test
    void a_time_out_ignored_is_caught() {
        assertCaught(TimeOutIgnored.class);
    }

    @CaughtBy({"a_call_that_hangs_ends_by_its_time_out", "a_look_up_that_hangs_ends_by_its_time_out"})
    static class TimeOutIgnored extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpRequest.Builder to(String path, BillingRequest request) {
                    return HttpRequest.newBuilder(URI.create(provider + path));
                }
            };
        }

        @Override
        protected Duration margin() {
            return Duration.ofSeconds(2);
        }
    }

    @Tag("thorough")
    @Test
    void an_interruption_ignored_is_caught() {
        assertCaught(InterruptionIgnored.class);
    }

    @CaughtBy("an_interrupted_call_ends_and_claims_nothing")
    static class InterruptionIgnored extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
                    CompletableFuture<HttpResponse<String>> answer =
                            client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
                    while (true) {
                        try {
                            return answer.get();
                        } catch (InterruptedException e) {
                            // not now
                        } catch (ExecutionException e) {
                            throw e.getCause() instanceof IOException io ? io : new IOException(e);
                        }
                    }
                }
            };
        }

        @Override
        protected Duration margin() {
            return Duration.ofSeconds(2);
        }
    }

    // What find tells.

    @Test
    void a_stale_search_believed_is_caught() {
        assertCaught(StaleSearch.class);
    }

    @CaughtBy({"find_sees_a_charge_at_once", "find_sees_a_charge_whose_answer_was_lost"})
    static class StaleSearch extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpRequest question(BillingRequest request) {
                    return to("/search?key=" + request.idempotencyKey(), request)
                            .build();
                }

                @Override
                BillingOutcome found(HttpResponse<String> answer) {
                    return answer.body().equals("{\"data\":[]}")
                            ? BillingOutcome.notBilled("not found")
                            : super.found(answer);
                }
            };
        }
    }

    @Tag("thorough")
    @Test
    void a_search_staler_than_declared_is_caught() {
        assertCaught(StalerThanDeclared.class);
    }

    @CaughtBy({"find_sees_a_charge_at_once", "find_sees_a_charge_whose_answer_was_lost"})
    static class StalerThanDeclared extends StaleSearch {
        @Override
        protected BillingGateway gateway(URI provider) {
            BillingGateway stale = super.gateway(provider);
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome find(BillingRequest request) throws Exception {
                    return stale.find(request);
                }

                @Override
                public Duration findLag() {
                    return Duration.ofMillis(1);
                }
            };
        }

        @Override
        protected Duration margin() {
            return Duration.ofSeconds(1);
        }
    }

    @Test
    void a_find_from_memory_is_caught() {
        assertCaught(FindFromMemory.class);
    }

    /** As if each server kept what it was told; here they share it. */
    @CaughtBy("find_sees_a_charge_whose_answer_was_lost")
    static class FindFromMemory extends FakeProviderContract {
        private static final Map<String, BillingOutcome> TOLD = new ConcurrentHashMap<>();

        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    BillingOutcome told = super.bill(request);
                    TOLD.put(request.idempotencyKey(), told);
                    return told;
                }

                @Override
                public BillingOutcome find(BillingRequest request) throws Exception {
                    return TOLD.containsKey(request.idempotencyKey())
                            ? super.find(request)
                            : BillingOutcome.notBilled("never sent");
                }
            };
        }
    }

    @Test
    void a_find_by_the_invoice_is_caught() {
        assertCaught(FindByInvoice.class);
    }

    @CaughtBy("find_asks_for_the_key_not_for_the_invoice")
    static class FindByInvoice extends FakeProviderContract {
        private static final Map<String, String> KEYS = new ConcurrentHashMap<>();

        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpRequest charge(BillingRequest request) {
                    KEYS.put(request.invoiceId(), request.idempotencyKey());
                    return super.charge(request);
                }

                @Override
                HttpRequest question(BillingRequest request) {
                    return to("/charges/" + KEYS.get(request.invoiceId()), request)
                            .build();
                }
            };
        }
    }

    @Test
    void a_find_that_charges_is_caught() {
        assertCaught(FindCharges.class);
    }

    @CaughtBy({
        "a_look_up_that_fails_is_unknown",
        "find_asks_for_the_key_not_for_the_invoice",
        "find_does_not_know_a_key_that_was_never_sent",
        "find_sends_no_charge"
    })
    static class FindCharges extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome find(BillingRequest request) throws Exception {
                    return super.bill(request);
                }
            };
        }
    }

    @Test
    void a_failed_find_taken_for_never_seen_is_caught() {
        assertCaught(FailedFindNotBilled.class);
    }

    @CaughtBy("a_look_up_that_fails_is_unknown")
    static class FailedFindNotBilled extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome found(HttpResponse<String> answer) {
                    return answer.statusCode() == 200 ? super.found(answer) : BillingOutcome.notBilled("not found");
                }
            };
        }
    }

    @Test
    void a_find_that_shares_the_way_of_bill_with_429_is_caught() {
        assertCaught(FindLikeBill.class);
    }

    @CaughtBy("a_look_up_that_fails_is_unknown")
    static class FindLikeBill extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome found(HttpResponse<String> answer) {
                    return answer.statusCode() == 429 ? billed(answer) : super.found(answer);
                }
            };
        }
    }

    @Test
    void a_find_that_throws_for_an_unknown_key_is_caught() {
        assertCaught(UnknownKeyThrows.class);
    }

    @CaughtBy("find_does_not_know_a_key_that_was_never_sent")
    static class UnknownKeyThrows extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                BillingOutcome found(HttpResponse<String> answer) {
                    if (answer.statusCode() == 404) {
                        throw new UncheckedIOException(new IOException("404"));
                    }
                    return super.found(answer);
                }
            };
        }
    }

    // What is declared, and many at once.

    @Test
    void a_window_that_the_provider_does_not_keep_is_caught() {
        assertCaught(WindowNotKept.class);
    }

    /** The key travels where the provider does not look. */
    @CaughtBy({"calls_at_once_keep_keys_and_invoices_apart", "the_same_key_twice_charges_once"})
    static class WindowNotKept extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                HttpRequest charge(BillingRequest request) {
                    return to("/charges", request)
                            .header("X-Key", key(request))
                            .POST(HttpRequest.BodyPublishers.ofString(parameters(request)))
                            .build();
                }
            };
        }

        @Override
        protected Optional<String> keyOf(SentRequest request) {
            return request.header("X-Key");
        }

        @Override
        protected boolean canFind() {
            return false;
        }
    }

    @Test
    void a_replay_taken_for_a_refusal_is_caught() {
        assertCaught(ReplayDeclined.class);
    }

    @CaughtBy({"calls_at_once_keep_keys_and_invoices_apart", "the_same_key_twice_charges_once"})
    static class ReplayDeclined extends FakeProviderContract {
        private static final Map<String, String> SEEN = new ConcurrentHashMap<>();

        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    BillingOutcome told = super.bill(request);
                    return SEEN.put(request.idempotencyKey(), "") == null
                            ? told
                            : BillingOutcome.declined("duplicate", "charged already");
                }
            };
        }
    }

    @Test
    void a_promise_to_be_asked_without_a_find_is_caught() {
        assertCaught(PromiseWithoutFind.class);
    }

    @CaughtBy("find_is_there_where_it_is_promised")
    static class PromiseWithoutFind extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            BillingGateway careful = new CarefulGateway(provider);
            return new BillingGateway() {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    return careful.bill(request);
                }

                @Override
                public boolean canBeAsked() {
                    return true;
                }

                @Override
                public Duration idempotencyWindow() {
                    return careful.idempotencyWindow();
                }
            };
        }

        @Override
        protected boolean canFind() {
            return false;
        }
    }

    @Test
    void a_window_that_wavers_is_caught() {
        assertCaught(WindowWavers.class);
    }

    @CaughtBy("what_is_declared_holds_still")
    static class WindowWavers extends FakeProviderContract {
        private static final AtomicInteger CALLS = new AtomicInteger();

        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                @Override
                public Duration idempotencyWindow() {
                    return Duration.ofHours(20).minusMillis(CALLS.incrementAndGet());
                }
            };
        }
    }

    @Tag("thorough")
    @Test
    void state_shared_between_threads_is_caught() {
        assertCaught(SharedState.class);
    }

    @CaughtBy("calls_at_once_keep_keys_and_invoices_apart")
    static class SharedState extends FakeProviderContract {
        @Override
        protected BillingGateway gateway(URI provider) {
            return new CarefulGateway(provider) {
                private volatile @Nullable BillingRequest current;

                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    current = request;
                    try {
                        send(to("/customers", request).build()); // time for another thread to come by
                    } catch (ConnectException e) {
                        return BillingOutcome.notBilled("the provider refused the connection");
                    }
                    BillingRequest latest = current;
                    return super.bill(latest == null ? request : latest);
                }
            };
        }
    }

    // How it is told.

    private static void assertCaught(Class<? extends BillingGatewayContract> wrong) {
        Map<String, String> failed = failed(run(wrong));

        assertThat(failed.keySet())
                .as("checks that fail for %s", wrong.getSimpleName())
                .containsExactlyInAnyOrder(checksThatCatch(wrong));
        assertThat(failed)
                .allSatisfy((check, message) -> assertThat(message)
                        .containsSubsequence("What the gateway did: ", "What it costs: ", "What to do: "));
    }

    private static String[] checksThatCatch(Class<?> wrong) {
        return requireNonNull(wrong.getAnnotation(CaughtBy.class), wrong::getName)
                .value();
    }

    private static Events run(Class<? extends BillingGatewayContract> contract) {
        return EngineTestKit.engine("junit-jupiter")
                .selectors(selectClass(contract))
                .execute()
                .testEvents();
    }

    private static Map<String, String> failed(Events checks) {
        return reasons(checks.failed());
    }

    private static Map<String, String> skipped(Events checks) {
        return reasons(checks.aborted());
    }

    private static Map<String, String> reasons(Events checks) {
        return checks.stream()
                .collect(toMap(
                        event -> event.getTestDescriptor().getDisplayName().replace("()", ""),
                        BillingGatewayContractTest::reason));
    }

    private static String reason(Event event) {
        return event.getRequiredPayload(TestExecutionResult.class)
                .getThrowable()
                .map(e -> String.valueOf(e.getMessage()))
                .orElse("");
    }
}
