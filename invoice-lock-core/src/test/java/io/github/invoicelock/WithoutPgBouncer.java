package io.github.invoicelock;

import io.github.invoicelock.examples.postgres.PostgresServer;
import org.junit.jupiter.api.Assumptions;

/** For a test that means nothing where PgBouncer is in front of every database ({@value PostgresServer#PGBOUNCER}). */
final class WithoutPgBouncer {
    private static final StackWalker CALLERS = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private WithoutPgBouncer() {}

    /** Leaves the calling test out there, and prints why. */
    static void because(String why) {
        if (System.getProperty(PostgresServer.PGBOUNCER) != null) {
            System.out.printf(
                    "%s: a test is left out behind PgBouncer: %s%n",
                    CALLERS.getCallerClass().getSimpleName(), why);
            Assumptions.abort(why);
        }
    }
}
