package io.github.invoicelock.internal.host;

import io.github.invoicelock.BillingAttempt;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/** What SLF4J's MDC says while the gateway or the hook is called: whose attempt it is. The thread may be the host's: it gets back what it had. */
public final class LogContext {
    private LogContext() {}

    /** The host's code, with {@code biller}, {@code invoice}, {@code attempt} and {@code key} beside each line that it logs. */
    public static <T> Callable<T> around(BillingAttempt attempt, Callable<T> code) {
        return () -> {
            Map<String, @Nullable String> before = new LinkedHashMap<>();
            put(before, "biller", attempt.biller());
            put(before, "invoice", attempt.invoiceId());
            put(before, "attempt", Integer.toString(attempt.number()));
            put(before, "key", attempt.idempotencyKey());
            try {
                return code.call();
            } finally {
                before.forEach(LogContext::putBack);
            }
        };
    }

    private static void put(Map<String, @Nullable String> before, String key, String value) {
        before.put(key, MDC.get(key));
        MDC.put(key, value);
    }

    private static void putBack(String key, @Nullable String value) {
        if (value == null) {
            MDC.remove(key);
        } else {
            MDC.put(key, value);
        }
    }
}
