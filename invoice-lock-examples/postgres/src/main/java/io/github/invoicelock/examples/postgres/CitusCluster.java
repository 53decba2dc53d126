package io.github.invoicelock.examples.postgres;

import java.util.Optional;

/**
 * A Citus cluster of the user's own, for the tests that need one: named by the system property {@value #PROPERTY} or the environment
 * variable {@value #VARIABLE}. None is ever started here.
 */
public final class CitusCluster {
    /** Names the coordinator: a JDBC URL with user and password of a role that may create tables. */
    public static final String PROPERTY = "invoicelock.citusUrl";
    /** The same as an environment variable. */
    public static final String VARIABLE = "INVOICE_LOCK_CITUS_URL";

    private CitusCluster() {}

    /**
     * Where its coordinator is.
     *
     * @return empty if none is named
     */
    public static Optional<String> jdbcUrl() {
        return Optional.ofNullable(System.getProperty(PROPERTY, System.getenv(VARIABLE)))
                .filter(url -> !url.isBlank());
    }

    /**
     * Says on standard output that a test is left out, and why.
     *
     * @param test what is left out
     * @return the same, for the report
     */
    public static String leftOut(Class<?> test) {
        String reason = test.getSimpleName() + " is left out: no Citus cluster is named. Name its coordinator, -D"
                + PROPERTY + "=jdbc:postgresql://host/database?user=…, or in " + VARIABLE + "; see docs/scale.md.";
        System.out.println(reason);
        return reason;
    }
}
