package io.github.invoicelock.internal.errors;

import io.github.invoicelock.DatabaseException;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;

/**
 * Tells errors of the database apart, by their
 * <a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">SQLSTATE</a>: messages are in the server's language. Each
 * question takes any exception, and looks through its causes for the first SQLSTATE.
 */
public final class SqlStates {
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String SERIALIZATION_FAILURE = "40001";
    private static final String QUERY_CANCELED = "57014";
    private static final String INSUFFICIENT_PRIVILEGE = "42501";
    private static final String TOO_MANY_CONNECTIONS = "53300";
    /** It starts, stops or recovers. */
    private static final String CANNOT_CONNECT_NOW = "57P03";

    /**
     * Cardinality (a subquery with two rows), data, constraint, trigger, SQL routine, external routine, view's check, a limit of the program,
     * PL/pgSQL: what a value, a constraint, a trigger or a function of the host's does.
     */
    private static final Set<String> OF_ONE_INVOICE =
            Set.of("21", "22", "23", "27", "2F", "38", "39", "44", "54", "P0");

    private static final String DATA = "22";
    private static final String CONSTRAINT = "23";

    /** Row level security's WITH CHECK: a row that may not be so. A table that the role may not touch has the same SQLSTATE. */
    private static final String ROW_CHECK = "ExecWithCheckOptions";

    /** Where a server that has used up its numbers of transactions refuses every write, with a limit's SQLSTATE. */
    private static final Set<String> OUT_OF_NUMBERS = Set.of("GetNewTransactionId", "GetNewMultiXactId");

    private static final String CONNECTION = "08";
    /** The client is unable to establish the connection; pools seldom say so. */
    static final String NO_CONNECTION = "08001";
    /** Of the user or the password. */
    private static final String AUTHORIZATION = "28";
    /** Connection, rollback (a deadlock), resources, operator (a restart, a cancel). */
    private static final Set<String> PASSING = Set.of(CONNECTION, "40", "53", "57");
    /** The time-outs of a transaction that is idle, or long. */
    private static final Set<String> TRANSACTION_TIMEOUTS = Set.of("25P03", "25P04");

    /** Where PostgreSQL finds that a prepared statement's columns are not the table's any more. */
    private static final Set<String> STALE =
            Set.of("RevalidateCachedQuery", "CheckVarSlotCompatibility", "tupledesc_match");

    /** A chain of causes that is longer is one that never ends. */
    private static final int MOST_CAUSES = 50;

    private SqlStates() {}

    /** The first SQLSTATE among a failure and its causes. */
    public static Optional<String> of(Throwable failure) {
        return causes(failure)
                .flatMap(each -> each instanceof DatabaseException ours
                        ? Stream.ofNullable(ours.sqlState())
                        : each instanceof SQLException error ? Stream.ofNullable(error.getSQLState()) : Stream.empty())
                .findFirst();
    }

    /** Another session holds the lock: a row's, in a statement that locks rows; else also a table's. */
    public static boolean lockNotAvailable(Throwable failure) {
        return is(failure, LOCK_NOT_AVAILABLE::equals);
    }

    /**
     * In READ COMMITTED, where all our transactions are: another has moved the row to another partition while we waited for it. In the host's
     * REPEATABLE READ the same SQLSTATE says that its snapshot is too old.
     */
    public static boolean movedAway(Throwable failure) {
        return is(failure, SERIALIZATION_FAILURE::equals);
    }

    /** In a statement of ours that locks rows: another session has or had the row, and we go on without it. Not a deadlock. */
    public static boolean contended(Throwable failure) {
        return lockNotAvailable(failure) || movedAway(failure);
    }

    /** A statement took longer than it may, or somebody cancelled it. */
    public static boolean cancelled(Throwable failure) {
        return is(failure, QUERY_CANCELED::equals);
    }

    /** One invoice's own value, or a constraint, trigger or function of the host's that it meets: others may be billed. */
    public static boolean ofOneInvoice(Throwable failure) {
        return is(failure, state -> OF_ONE_INVOICE.contains(classOf(state)))
                ? !isFrom(failure, OUT_OF_NUMBERS::contains)
                : is(failure, INSUFFICIENT_PRIVILEGE::equals) && isFrom(failure, ROW_CHECK::equals);
    }

    /** A value or a constraint: what was written once does not fit the table as it is now. */
    public static boolean doesNotFit(Throwable failure) {
        return is(failure, state -> DATA.equals(classOf(state)) || CONSTRAINT.equals(classOf(state)));
    }

    /** It may be over at the next try: the connection, a deadlock, a lock, a full server, a restart, or no word from the database at all. */
    public static boolean passing(Throwable failure) {
        Optional<String> state = of(failure);
        return state.isPresent()
                ? state.filter(each -> PASSING.contains(classOf(each))
                                || TRANSACTION_TIMEOUTS.contains(each)
                                || LOCK_NOT_AVAILABLE.equals(each))
                        .isPresent()
                : causes(failure).anyMatch(each -> each instanceof DatabaseException || each instanceof SQLException);
    }

    /** The host altered its table: a statement that a connection had prepared answers with other columns. By the server's routine. */
    public static boolean stalePlan(Throwable failure) {
        return isFrom(failure, STALE::contains);
    }

    /** Nothing more is to be had from this connection. What somebody else's code met is not ours. */
    public static boolean connectionLost(Throwable failure) {
        return causes(failure).noneMatch(WorkFailure.class::isInstance)
                && (silent(failure) || is(failure, state -> CONNECTION.equals(classOf(state))));
    }

    /** No connection is to be had, or this one is lost: whoever tries next waits as long. */
    public static boolean unreachable(Throwable failure) {
        return connectionLost(failure)
                || notAuthorized(failure)
                || is(failure, state -> TOO_MANY_CONNECTIONS.equals(state) || CANNOT_CONNECT_NOW.equals(state));
    }

    /** R17: the client gave up on a server that says nothing. */
    public static boolean silent(Throwable failure) {
        return causes(failure).anyMatch(SocketTimeoutException.class::isInstance);
    }

    /** The server takes no such user or password. */
    public static boolean notAuthorized(Throwable failure) {
        return is(failure, state -> AUTHORIZATION.equals(classOf(state)));
    }

    /** A limit of the server, of the database or of the role, which no pool can raise. */
    public static boolean tooManyConnections(Throwable failure) {
        return is(failure, TOO_MANY_CONNECTIONS::equals);
    }

    /** A failure and its causes, whatever a host's exception says of its own: a cycle, or another exception. */
    public static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, SqlStates::causeOf).limit(MOST_CAUSES);
    }

    private static @Nullable Throwable causeOf(Throwable failure) {
        try {
            return failure.getCause();
        } catch (Throwable unusable) {
            return null;
        }
    }

    /** This constraint, or unique index, keeps a row from being written. */
    public static boolean violates(Throwable failure, String constraint) {
        return causes(failure)
                .anyMatch(each -> each instanceof PSQLException error
                        && error.getServerErrorMessage() != null
                        && constraint.equals(error.getServerErrorMessage().getConstraint()));
    }

    /** By the server's routine, where one SQLSTATE stands for several things. */
    private static boolean isFrom(Throwable failure, Predicate<String> routine) {
        return causes(failure)
                .anyMatch(each -> each instanceof PSQLException error
                        && error.getServerErrorMessage() != null
                        && routine.test(
                                String.valueOf(error.getServerErrorMessage().getRoutine())));
    }

    private static boolean is(Throwable failure, Predicate<String> state) {
        return of(failure).filter(state).isPresent();
    }

    private static String classOf(String state) {
        return state.substring(0, Math.min(2, state.length()));
    }
}
