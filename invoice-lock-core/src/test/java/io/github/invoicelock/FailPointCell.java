package io.github.invoicelock;

import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_CALL;
import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_CLAIM_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_FIND;
import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_LOCK_FOR_CALL;
import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_MARK_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_SETTLE_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.AFTER_TAKE_OVER_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.BEFORE_CALL;
import static io.github.invoicelock.internal.engine.FailPoints.Point.BEFORE_CLAIM_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.BEFORE_FIND;
import static io.github.invoicelock.internal.engine.FailPoints.Point.BEFORE_MARK_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.BEFORE_SETTLE_COMMIT;
import static io.github.invoicelock.internal.engine.FailPoints.Point.BEFORE_TAKE_OVER_COMMIT;

import io.github.invoicelock.internal.engine.FailPoints;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.sql.DataSource;

/** One cell of the matrix: a fault that strikes a server of one kind when it has brought invoice 1 to one point. */
record FailPointCell(
        Situation situation, Point point, Fault fault, LockStrategy strategy, LockScope scope, ProviderKind provider) {

    /** Invoice 1 is struck, invoice 2 is on its way beside it. */
    static final List<String> INVOICES = List.of("1", "2");

    /** Where the server finds its invoices. */
    enum Situation {
        /** Pending, and without an attempt. */
        FRESH(
                BEFORE_CLAIM_COMMIT,
                AFTER_CLAIM_COMMIT,
                AFTER_LOCK_FOR_CALL,
                BEFORE_CALL,
                AFTER_CALL,
                BEFORE_SETTLE_COMMIT,
                AFTER_SETTLE_COMMIT),
        /** Left behind by a server that died after the charge. */
        LEFT_CHARGED(
                BEFORE_TAKE_OVER_COMMIT,
                AFTER_TAKE_OVER_COMMIT,
                BEFORE_FIND,
                AFTER_FIND,
                AFTER_LOCK_FOR_CALL,
                BEFORE_CALL,
                AFTER_CALL,
                BEFORE_SETTLE_COMMIT,
                AFTER_SETTLE_COMMIT),
        /** Left behind by a server that died before the charge. */
        LEFT_UNCHARGED(
                BEFORE_TAKE_OVER_COMMIT,
                AFTER_TAKE_OVER_COMMIT,
                BEFORE_FIND,
                AFTER_FIND,
                AFTER_LOCK_FOR_CALL,
                BEFORE_CALL,
                AFTER_CALL,
                BEFORE_SETTLE_COMMIT,
                AFTER_SETTLE_COMMIT),
        /** Charged and journaled, while the host held the row. */
        TO_BE_MARKED(BEFORE_MARK_COMMIT, AFTER_MARK_COMMIT);

        @SuppressWarnings("ImmutableEnumChecker") // List.of is
        final List<Point> points;

        Situation(Point... points) {
            this.points = List.of(points);
        }
    }

    /** What happens there. */
    enum Fault {
        /** The process is gone: {@link Runtime#halt}. */
        HALT,
        /** The process stands still until its lease is over and another server has finished; then it goes on. */
        STALL,
        /** The database ends all connections of the server. */
        CUT
    }

    /** All cells of a fault that belong to one situation and point. */
    static List<FailPointCell> group(Situation situation, Point point, Fault fault) {
        List<FailPointCell> cells = new ArrayList<>();
        for (LockStrategy strategy : LockStrategy.values()) {
            for (LockScope scope : LockScope.values()) {
                for (ProviderKind provider : ProviderKind.values()) {
                    cells.add(new FailPointCell(situation, point, fault, strategy, scope, provider));
                }
            }
        }
        return cells;
    }

    /** Whether an invoice passes the point at all. */
    boolean passes() {
        boolean left = situation == Situation.LEFT_CHARGED || situation == Situation.LEFT_UNCHARGED;
        boolean found = left && provider.canBeAsked && situation == Situation.LEFT_CHARGED;
        boolean sends = situation == Situation.FRESH
                || (left && provider.remembers && !found)
                || (left && provider == ProviderKind.CAN_BE_ASKED && !found);
        return switch (point) {
            case BEFORE_CLAIM_COMMIT,
                    AFTER_CLAIM_COMMIT,
                    BEFORE_TAKE_OVER_COMMIT,
                    AFTER_TAKE_OVER_COMMIT,
                    BEFORE_MARK_COMMIT,
                    AFTER_MARK_COMMIT -> true;
            case BEFORE_FIND, AFTER_FIND -> provider.canBeAsked;
            case BEFORE_CALL, AFTER_CALL -> sends;
            case BEFORE_SETTLE_COMMIT, AFTER_SETTLE_COMMIT -> provider != ProviderKind.NEITHER || !left;
            case AFTER_LOCK_FOR_CALL ->
                scope == LockScope.THROUGH_CALL && (situation == Situation.FRESH || provider.remembers || sends);
        };
    }

    String name() {
        return (situation + "-" + point + "-" + fault + "-" + strategy + "-" + scope + "-" + provider)
                .toLowerCase(Locale.ROOT);
    }

    /** Its table, and what its server's connections are called. */
    String table() {
        return "i_" + Integer.toHexString(name().hashCode());
    }

    LockingInvoiceBiller.Builder server(DataSource dataSource, HttpClient client, URI ledger, FailPoints failPoints) {
        return LockingInvoiceBiller.builder(dataSource, HttpLedger.gateway(client, ledger, provider, table()))
                .name(name())
                .invoices(InvoiceTable.named(table()))
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(2)
                // A stall is waited out; after the other faults the clock is set instead.
                .callTimeout(Duration.ofSeconds(fault == Fault.STALL ? 5 : 10))
                // A claim's call must leave within the margin, on a loaded machine, too; only a stalled server's lease
                // is waited for.
                .leaseMargin(Duration.ofSeconds(fault == Fault.STALL ? 5 : 10))
                .retryPolicy(RetryPolicy.every(Duration.ofMillis(100), 50))
                .failPoints(failPoints);
    }
}
