package io.github.invoicelock.examples.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;

/**
 * What a contender is to do.
 *
 * @param jdbcUrl where the invoices are
 * @param providerTime how long the provider takes to answer
 * @param mix what the invoices are like
 * @param longest when to stop, done or not
 */
record Job(String jdbcUrl, Duration providerTime, Mix mix, Duration longest) {
    /** Whether a call takes so long that threads wait for it, rather than the processor. */
    boolean providerIsSlow() {
        return !providerTime.isZero();
    }

    /** A pool that is full before the clock starts. */
    HikariDataSource pool(int connections) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(connections);
        config.setConnectionTimeout(Duration.ofSeconds(60).toMillis());
        return new HikariDataSource(config);
    }
}
