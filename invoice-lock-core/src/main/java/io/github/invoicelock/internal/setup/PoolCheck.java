package io.github.invoicelock.internal.setup;

import java.sql.SQLException;
import java.util.OptionalInt;
import javax.sql.DataSource;
import org.slf4j.LoggerFactory;

/** Tells when HikariCP's pool is smaller than the calls that each hold a connection. Other pools are not known. */
public final class PoolCheck {
    private static final String HIKARI = "com.zaxxer.hikari.HikariDataSource";

    private PoolCheck() {}

    /**
     * Logs both numbers, if the pool is too small.
     *
     * @param dataSource the host's
     * @param biller whose
     * @param concurrency how many calls hold a connection each
     */
    public static void log(DataSource dataSource, String biller, int concurrency) {
        OptionalInt most = most(dataSource);
        if (most.isPresent() && most.getAsInt() <= concurrency) {
            LoggerFactory.getLogger("io.github.invoicelock")
                    .warn(
                            "biller={} concurrency is {}, but the pool has at most {} connections: each call holds one (lockScope THROUGH_CALL), and "
                                    + "one more claims, so calls will wait for a connection. Set maximumPoolSize to at least {}, or take a smaller "
                                    + "concurrency or CLAIM_ONLY",
                            biller,
                            concurrency,
                            most.getAsInt(),
                            concurrency + 1);
        }
    }

    private static OptionalInt most(DataSource dataSource) {
        try {
            Class<?> hikari = Class.forName(HIKARI, false, dataSource.getClass().getClassLoader());
            if (!hikari.isInstance(dataSource) && !dataSource.isWrapperFor(hikari)) {
                return OptionalInt.empty();
            }
            Object pool = hikari.isInstance(dataSource) ? dataSource : dataSource.unwrap(hikari);
            return OptionalInt.of((int) hikari.getMethod("getMaximumPoolSize").invoke(pool));
        } catch (ClassNotFoundException e) {
            return OptionalInt.empty();
        } catch (SQLException | ReflectiveOperationException | RuntimeException | LinkageError e) {
            // Only a hint hangs on it: a DataSource that cannot be unwrapped works as well, whatever it throws.
            LoggerFactory.getLogger("io.github.invoicelock").debug("The pool's size cannot be read", e);
            return OptionalInt.empty();
        }
    }
}
