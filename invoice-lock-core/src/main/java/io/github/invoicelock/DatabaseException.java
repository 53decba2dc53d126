package io.github.invoicelock;

import org.jspecify.annotations.Nullable;

/** The database answered with an error. The cause is the driver's or jOOQ's exception, with its SQLSTATE. */
public final class DatabaseException extends InvoiceLockException {
    private static final long serialVersionUID = 1L;

    /** PostgreSQL's code. */
    private final @Nullable String sqlState;

    /**
     * With the SQLSTATE.
     *
     * @param message what was being done
     * @param sqlState <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">PostgreSQL's code</a>; null if there was
     *     none
     * @param cause the driver's exception
     */
    public DatabaseException(String message, @Nullable String sqlState, Throwable cause) {
        super(message, cause);
        this.sqlState = sqlState;
    }

    /**
     * The SQLSTATE.
     *
     * @return null if the error had none
     */
    public @Nullable String sqlState() {
        return sqlState;
    }
}
