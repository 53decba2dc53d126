package io.github.invoicelock.internal.database;

import io.github.invoicelock.internal.errors.Errors;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;

/** The host's own transaction, in which something is tried so that it goes on whatever becomes of that (R16). */
final class HostTransaction {
    private static final String BEFORE =
            "select current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('transaction_timeout', true), "
                    + "current_setting('citus.propagate_set_commands', true), current_setting('transaction_isolation')";

    private final DSLContext tx;
    private final Record before;

    HostTransaction(DSLContext tx) {
        this.tx = tx;
        this.before = tx.fetchSingle(BEFORE);
    }

    /** Keeps what the work did, and its locks, only if it says so. */
    boolean tryPatiently(Duration patience, BooleanSupplier work) {
        tx.execute("savepoint invoice_lock");
        try {
            wait(patience);
            if (!work.getAsBoolean()) {
                goBack();
                return false;
            }
            restore();
            tx.execute("release savepoint invoice_lock");
            return true;
        } catch (Throwable e) {
            boolean goesOn = goneBackAfter(e);
            if (goesOn && heldByAnother(e)) {
                return false;
            }
            if (e instanceof DataAccessException || e instanceof LockNotAvailableException) {
                throw Errors.translated((RuntimeException) e);
            }
            throw e;
        }
    }

    /** The host's own limits do not cut the patience. SET, not set_config(): Citus hands only the former on to its workers. */
    private void wait(Duration patience) {
        if (before.get(3) != null) {
            tx.execute("set local citus.propagate_set_commands = 'local'");
        }
        set("lock_timeout", patience.toMillis() + "ms");
        set("statement_timeout", SessionSettings.statementTimeout(patience).toMillis() + "ms");
        if (before.get(2) != null) {
            set("transaction_timeout", "0");
        }
    }

    /** What is kept carries its settings on; what is gone back from has taken them along. */
    private void restore() {
        set("lock_timeout", before.get(0, String.class));
        set("statement_timeout", before.get(1, String.class));
        if (before.get(2) != null) {
            set("transaction_timeout", before.get(2, String.class));
        }
        if (before.get(3) != null) {
            set("citus.propagate_set_commands", before.get(3, String.class));
        }
    }

    private void set(String setting, String value) {
        tx.execute("set local {0} = {1}", DSL.raw(setting), DSL.inline(value));
    }

    private void goBack() {
        tx.execute("rollback to savepoint invoice_lock");
        tx.execute("release savepoint invoice_lock");
    }

    private boolean goneBackAfter(Throwable failure) {
        try {
            goBack();
            return true;
        } catch (DataAccessException e) {
            failure.addSuppressed(e);
            return false;
        }
    }

    /** A snapshot that is older than the row's last change says nothing about who holds it. */
    private boolean heldByAnother(Throwable failure) {
        return SqlStates.lockNotAvailable(failure)
                || SqlStates.cancelled(failure)
                || (SqlStates.movedAway(failure) && "read committed".equals(before.get(4, String.class)));
    }
}
