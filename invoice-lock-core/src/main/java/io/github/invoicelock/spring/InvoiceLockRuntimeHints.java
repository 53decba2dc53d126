package io.github.invoicelock.spring;

import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.ExecutableMode;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;

/** What a native image must keep for the library: what it reads from its jar, and two methods that are looked for by name. */
final class InvoiceLockRuntimeHints implements RuntimeHintsRegistrar {
    /** Made by Spring. */
    InvoiceLockRuntimeHints() {}

    @Override
    public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
        hints.resources()
                .registerPattern("io/github/invoicelock/journal/*")
                .registerPattern("io/github/invoicelock/citus/*")
                // Its templates are classes, called without reflection.
                .registerPattern("io/github/invoicelock/console/console.*");
        // From JDK 21 on calls are made by virtual threads.
        hints.reflection()
                .registerType(
                        Executors.class,
                        type -> type.withMethod(
                                "newVirtualThreadPerTaskExecutor", java.util.List.of(), ExecutableMode.INVOKE));
        // The pool's size is compared with the concurrency.
        hints.reflection()
                .registerTypeIfPresent(
                        classLoader,
                        "com.zaxxer.hikari.HikariDataSource",
                        type -> type.withMethod("getMaximumPoolSize", java.util.List.of(), ExecutableMode.INVOKE));
    }
}
