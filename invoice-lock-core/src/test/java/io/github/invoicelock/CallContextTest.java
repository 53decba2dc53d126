package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.slf4j.MDC;
import org.slf4j.helpers.BasicMDCAdapter;
import org.slf4j.spi.MDCAdapter;

/** What the thread of a call has: what the host carries to it from the run's, and in the log whose attempt it is. */
class CallContextTest {
    private static final ThreadLocal<@Nullable String> TRACE = new ThreadLocal<>();

    private final TestHost host = TestHost.withInvoices(4);
    private final Map<String, String> seen = new ConcurrentHashMap<>();
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final MDCAdapter before = adapter(new BasicMDCAdapter());

    /** The tests' logger has no MDC. */
    private static MDCAdapter adapter(MDCAdapter adapter) {
        try {
            MDCAdapter before = MDC.getMDCAdapter();
            Method set = MDC.class.getDeclaredMethod("setMDCAdapter", MDCAdapter.class);
            set.setAccessible(true);
            set.invoke(null, adapter);
            return before;
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("SLF4J has another MDC by now", e);
        }
    }

    @AfterEach
    void close() {
        TRACE.remove();
        adapter(before);
        host.close();
    }

    private static CallContext carrying() {
        return () -> {
            String trace = TRACE.get();
            return call -> () -> {
                TRACE.set(trace);
                try {
                    call.run();
                } finally {
                    TRACE.remove();
                }
            };
        };
    }

    private void seeing(BillingRequest request) {
        seen.put(request.invoiceId(), String.valueOf(TRACE.get()));
    }

    @Ways.InEveryScope
    void what_is_carried_is_there_in_each_call_of_a_run(LockScope scope) {
        provider.answering((p, request) -> {
            seeing(request);
            return p.charge(request);
        });
        LockingInvoiceBiller biller = host.running(
                host.server(provider).lockScope(scope).concurrency(2).callContext(carrying()));
        TRACE.set("run 1");
        assertThat(biller.billPending(RunLimits.none().invoices(3)).billed()).isEqualTo(3);
        TRACE.set("run 2");
        assertThat(biller.billPending().billed()).isEqualTo(1);

        assertThat(seen.values()).containsExactlyInAnyOrder("run 1", "run 1", "run 1", "run 2");
    }

    @Test
    void what_is_carried_is_there_where_a_person_asks() {
        provider.answering(BillingOutcome.unknown("500"));
        provider.finding(request -> {
            seeing(request);
            return BillingOutcome.billed("ch_1");
        });
        LockingInvoiceBiller biller = host.running(host.server(provider).callContext(carrying()));
        biller.bill(1);
        TRACE.set("asked");
        biller.ask(1);
        assertThat(seen).containsEntry("1", "asked");
    }

    @TestFactory
    Stream<DynamicTest> r20_whatever_it_throws_the_calls_are_made_once_each() {
        return Stream.of(
                broken("capture", () -> {
                    throw new IllegalStateException("no");
                }),
                broken("nothing", () -> nothing()),
                broken("before the call", () -> call -> {
                    throw new IllegalStateException("no");
                }),
                broken(
                        "on the call's thread",
                        () -> call -> () -> {
                            throw new AssertionError("no");
                        }),
                broken(
                        "after the call",
                        () -> call -> () -> {
                            call.run();
                            throw new IllegalStateException("no");
                        }),
                broken("without the call", () -> call -> () -> {}),
                broken(
                        "twice",
                        () -> call -> () -> {
                            call.run();
                            call.run();
                        }));
    }

    @SuppressWarnings("NullAway") // what a host that does not check may return
    private static UnaryOperator<Runnable> nothing() {
        return null;
    }

    private DynamicTest broken(String where, CallContext context) {
        return DynamicTest.dynamicTest(where, () -> {
            host.sql("update invoices set pending = true; truncate invoice_lock.billing_attempt cascade");
            int before = provider.requests().size();
            assertThat(host.running(host.server(provider).callContext(context))
                            .billPending()
                            .billed())
                    .isEqualTo(4);
            assertThat(provider.requests()).hasSize(before + 4);
        });
    }

    @Test
    void the_log_says_whose_attempt_the_gateway_and_the_hook_are_called_for() {
        List<Map<String, String>> logged = new CopyOnWriteArrayList<>();
        provider.answering((p, request) -> {
            logged.add(Objects.requireNonNull(MDC.getCopyOfContextMap()));
            return p.charge(request);
        });
        LockingInvoiceBiller biller = host.running(host.server(provider)
                .onBilled((transaction, attempt, reference) ->
                        logged.add(Objects.requireNonNull(MDC.getCopyOfContextMap()))));
        biller.bill(1);

        String key = biller.attempts(1).get(0).idempotencyKey();
        assertThat(logged)
                .hasSize(2)
                .allSatisfy(context -> assertThat(context)
                        .containsOnly(
                                Map.entry("biller", "invoices"),
                                Map.entry("invoice", "1"),
                                Map.entry("attempt", "1"),
                                Map.entry("key", key)));
    }

    @Test
    void a_thread_of_the_hosts_gets_back_what_its_log_said_before() throws Exception {
        ExecutorService hosts = Executors.newSingleThreadExecutor();
        try {
            hosts.submit(() -> {
                        MDC.put("key", "the host's own");
                        MDC.put("tenant", "7");
                    })
                    .get();
            provider.answering((p, request) -> {
                seen.put("during", MDC.get("key") + " " + MDC.get("tenant"));
                return p.charge(request);
            });
            LockingInvoiceBiller biller = host.running(host.server(provider).executor(hosts));
            biller.bill(1);

            String key = biller.attempts(1).get(0).idempotencyKey();
            assertThat(seen).containsEntry("during", key + " 7");
            assertThat(hosts.submit(MDC::getCopyOfContextMap).get())
                    .isEqualTo(Map.of("key", "the host's own", "tenant", "7"));
        } finally {
            hosts.shutdown();
        }
    }
}
