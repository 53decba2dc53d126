package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.github.invoicelock.micrometer.BillingObservations;
import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockObservationAutoConfiguration;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.RequestReplySenderContext;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingSenderTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** One trace from the run through the gateway's HTTP call, as the SDK of OpenTelemetry exports it. */
class TracesTest {
    private final TestHost host = TestHost.withInvoices(2);
    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final OpenTelemetrySdk sdk = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(exported))
                    .build())
            .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
            .build();
    private final ObservationRegistry registry = tracing(sdk);
    private final List<String> arrived = new CopyOnWriteArrayList<>();
    private final HttpServer provider = start(arrived);

    @AfterEach
    void close() {
        provider.stop(0);
        sdk.close();
        host.close();
    }

    private static ObservationRegistry tracing(OpenTelemetrySdk sdk) {
        io.opentelemetry.api.trace.Tracer otel = sdk.getTracer("test");
        OtelTracer tracer = new OtelTracer(otel, new OtelCurrentTraceContext(), event -> {});
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig()
                .observationHandler(
                        new io.micrometer.observation.ObservationHandler.FirstMatchingCompositeObservationHandler(
                                new PropagatingSenderTracingObservationHandler<>(
                                        tracer, new OtelPropagator(sdk.getPropagators(), otel)),
                                new DefaultTracingObservationHandler(tracer)));
        return registry;
    }

    private static HttpServer start(List<String> arrived) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                String told = String.valueOf(exchange.getRequestHeaders().getFirst("traceparent"));
                arrived.add(told.substring(0, Math.max(0, told.lastIndexOf('-')))); // without its flags
                byte[] body = "ch_1".getBytes(java.nio.charset.StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
                exchange.close();
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A gateway whose HTTP client is instrumented: it continues the trace that it finds on its thread. */
    private BillingOutcome send(BillingRequest request) throws Exception {
        HttpRequest.Builder charge = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + provider.getAddress().getPort() + "/charges"))
                .header("Idempotency-Key", request.idempotencyKey())
                .timeout(request.timeout())
                .POST(HttpRequest.BodyPublishers.noBody());
        RequestReplySenderContext<HttpRequest.Builder, HttpResponse<String>> context =
                new RequestReplySenderContext<>((carrier, name, value) ->
                        java.util.Objects.requireNonNull(carrier).header(name, value));
        context.setCarrier(charge);
        return Observation.createNotStarted("http.client.requests", () -> context, registry)
                .observeChecked(() -> BillingOutcome.billed(HttpClient.newHttpClient()
                        .send(charge.build(), HttpResponse.BodyHandlers.ofString())
                        .body()));
    }

    @Ways.InEveryScope
    void one_trace_goes_from_the_run_through_each_call_to_the_provider(LockScope scope) {
        BillingObservations observations = new BillingObservations("invoices", registry);
        LockingInvoiceBiller biller = host.running(host.server(observations.around(this::send))
                .lockScope(scope)
                .concurrency(2)
                .callContext(observations));

        Observation.createNotStarted("nightly run", registry).observe(() -> biller.billPending());

        isOneTrace();
    }

    @Test
    void under_spring_boot_it_needs_no_more_than_a_registry() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(
                        InvoiceLockAutoConfiguration.class, InvoiceLockObservationAutoConfiguration.class))
                .withBean(DataSource.class, host::dataSource, pool -> pool.setDestroyMethodName(""))
                .withBean(BillingGateway.class, () -> this::send)
                .withBean(ObservationRegistry.class, () -> registry)
                .run(context -> Observation.createNotStarted("nightly run", registry)
                        .observe(() ->
                                context.getBean(LockingInvoiceBiller.class).billPending()));

        isOneTrace();
    }

    private void isOneTrace() {
        List<SpanData> spans = exported.getFinishedSpanItems();
        assertThat(spans)
                .extracting(SpanData::getTraceId)
                .containsOnly(spans.get(0).getTraceId());
        SpanData run = named(spans, "nightly run").get(0);
        List<SpanData> calls = named(spans, "bill invoice");
        List<SpanData> requests = named(spans, "http.client.requests");

        assertThat(calls).hasSize(2).extracting(SpanData::getParentSpanId).containsOnly(run.getSpanId());
        assertThat(requests)
                .extracting(SpanData::getParentSpanId)
                .containsExactlyInAnyOrderElementsOf(
                        calls.stream().map(SpanData::getSpanId).toList());
        assertThat(arrived)
                .as("what the provider was told")
                .containsExactlyInAnyOrderElementsOf(requests.stream()
                        .map(span -> "00-" + span.getTraceId() + "-" + span.getSpanId())
                        .toList());
        assertThat(calls).allSatisfy(call -> {
            assertThat(attribute(call, "biller")).isEqualTo("invoices");
            assertThat(attribute(call, "outcome")).isEqualTo("billed");
            assertThat(attribute(call, "attempt")).isEqualTo("1");
            assertThat(attribute(call, "key")).hasSize(36);
        });
        assertThat(calls).extracting(call -> attribute(call, "invoice")).containsExactlyInAnyOrder("1", "2");
    }

    private static List<SpanData> named(List<SpanData> spans, String name) {
        return spans.stream().filter(span -> span.getName().equals(name)).toList();
    }

    private static String attribute(SpanData span, String key) {
        return String.valueOf(span.getAttributes().get(AttributeKey.stringKey(key)));
    }

    @Test
    void an_exception_of_the_gateway_is_an_error_of_the_call_and_an_unknown_outcome() {
        LockingInvoiceBiller biller =
                host.running(host.server(new BillingObservations("invoices", registry).around(request -> {
                    throw new IOException("broken pipe");
                })));
        assertThat(biller.bill(1).inDoubt()).isEqualTo(1);

        SpanData call = exported.getFinishedSpanItems().get(0);
        assertThat(attribute(call, "outcome")).isEqualTo("unknown");
        assertThat(call.getEvents()).isNotEmpty();
    }

    @Test
    void a_gateway_that_is_observed_declares_what_it_declared_before() {
        TestProvider.Askable asked = TestProvider.thatRemembersAndCanBeAsked();
        TestProvider never = TestProvider.thatRemembers();
        BillingObservations observations = new BillingObservations("invoices", registry);

        assertThat(observations.around(asked).canBeAsked()).isTrue();
        assertThat(observations.around(never).canBeAsked()).isFalse();
        assertThat(observations.around(asked).idempotencyWindow()).isEqualTo(asked.idempotencyWindow());
        assertThat(observations.around(asked).findLag()).isEqualTo(asked.findLag());
    }

    @Test
    void an_observation_that_fails_costs_no_charge() {
        ObservationRegistry broken = ObservationRegistry.create();
        broken.observationConfig().observationHandler(new io.micrometer.observation.ObservationHandler<>() {
            @Override
            public void onStop(Observation.Context context) {
                throw new IllegalStateException("no");
            }

            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }
        });
        LockingInvoiceBiller biller =
                host.running(host.server(new BillingObservations("invoices", broken).around(this::send)));
        assertThat(biller.billPending().billed()).isEqualTo(2);
    }
}
