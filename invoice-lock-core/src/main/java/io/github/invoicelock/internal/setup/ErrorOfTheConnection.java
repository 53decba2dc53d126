package io.github.invoicelock.internal.setup;

import java.util.List;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/** Tells errors that say nothing about what the host described from those that do. */
final class ErrorOfTheConnection {
    /** Connection, resources, intervention by an operator or a time-out, a transaction that was ended while it was idle or for its length. */
    private static final List<String> CLASSES = List.of("08", "53", "57", "58", "25P03", "25P04", "55P03");

    private ErrorOfTheConnection() {}

    /** Passes an error on that would come whatever the host described. */
    static void rethrow(DataAccessException failure) {
        if (is(failure.sqlState())) {
            throw failure;
        }
    }

    static boolean is(@Nullable String sqlState) {
        return sqlState != null && CLASSES.stream().anyMatch(sqlState::startsWith);
    }
}
