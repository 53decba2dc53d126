package io.github.invoicelock;

import static io.github.invoicelock.FaultCell.Point.AFTER_BILL;
import static io.github.invoicelock.FaultCell.Point.AFTER_CLAIM_COMMIT;
import static io.github.invoicelock.FaultCell.Point.AFTER_FIND;
import static io.github.invoicelock.FaultCell.Point.AFTER_LOCK_FOR_CALL;
import static io.github.invoicelock.FaultCell.Point.AFTER_MARK_COMMIT;
import static io.github.invoicelock.FaultCell.Point.AFTER_OUTCOME;
import static io.github.invoicelock.FaultCell.Point.AFTER_SETTLE_COMMIT;
import static io.github.invoicelock.FaultCell.Point.AFTER_TAKE_OVER_COMMIT;
import static io.github.invoicelock.FaultCell.Point.BEFORE_BILL;
import static io.github.invoicelock.FaultCell.Point.BEFORE_CLAIM;
import static io.github.invoicelock.FaultCell.Point.BEFORE_CLAIM_COMMIT;
import static io.github.invoicelock.FaultCell.Point.BEFORE_FIND;
import static io.github.invoicelock.FaultCell.Point.BEFORE_MARK_COMMIT;
import static io.github.invoicelock.FaultCell.Point.BEFORE_SETTLE_COMMIT;
import static io.github.invoicelock.FaultCell.Point.BEFORE_TAKE_OVER_COMMIT;
import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Door.STATEMENT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Kind.MARK;
import static io.github.invoicelock.FaultyDataSource.Kind.OUTCOME;
import static io.github.invoicelock.FaultyDataSource.Kind.ROW_LOCK;
import static io.github.invoicelock.FaultyDataSource.Kind.TAKE_OVER;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.Place.before;

import io.github.invoicelock.FaultyDataSource.Place;
import io.github.invoicelock.FaultyGateway.Door;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.sql.DataSource;

/** One cell of the matrix: a fault that strikes a server of one kind when the first of its two invoices comes to one point. */
record FaultCell(
        Situation situation, Point point, Fault fault, LockStrategy strategy, LockScope scope, ProviderKind provider) {

    /** One of them is struck, usually the first; the other is on its way beside it, or in the same transaction. */
    static final List<String> INVOICES = List.of("1", "2");

    /** Where a fault strikes: at one of the two doors that faults come through, so that nothing in the library knows of it. */
    enum Point {
        /** What is pending has been read, and may be another's before it is claimed (R10). */
        BEFORE_CLAIM(before(STATEMENT).of(CLAIM, ROW_LOCK)),
        BEFORE_CLAIM_COMMIT(before(COMMIT).of(CLAIM)),
        /** A connection that is cut here has committed, and nobody is told. */
        AFTER_CLAIM_COMMIT(after(COMMIT).of(CLAIM)),
        BEFORE_TAKE_OVER_COMMIT(before(COMMIT).of(TAKE_OVER)),
        AFTER_TAKE_OVER_COMMIT(after(COMMIT).of(TAKE_OVER)),
        BEFORE_FIND(Door.BEFORE_FIND),
        AFTER_FIND(Door.AFTER_FIND),
        AFTER_LOCK_FOR_CALL(after(STATEMENT).such(FaultyDataSource.Crossing::locksForTheCall)),
        BEFORE_BILL(Door.BEFORE_BILL),
        AFTER_BILL(Door.AFTER_BILL),
        /** Between journal and invoice, where they are written by two statements. */
        AFTER_OUTCOME(after(STATEMENT).of(OUTCOME)),
        BEFORE_SETTLE_COMMIT(before(COMMIT).of(OUTCOME)),
        AFTER_SETTLE_COMMIT(after(COMMIT).of(OUTCOME)),
        BEFORE_MARK_COMMIT(before(COMMIT).of(MARK)),
        AFTER_MARK_COMMIT(after(COMMIT).of(MARK));

        @SuppressWarnings("ImmutableEnumChecker") // they hold nothing that changes
        final Optional<Place> ofDatabase;

        @SuppressWarnings("ImmutableEnumChecker")
        final Optional<Door> ofProvider;

        Point(Place place) {
            this.ofDatabase = Optional.of(place);
            this.ofProvider = Optional.empty();
        }

        Point(Door door) {
            this.ofDatabase = Optional.empty();
            this.ofProvider = Optional.of(door);
        }
    }

    /** Where the server finds its invoices. */
    enum Situation {
        /** Pending, and without an attempt. */
        FRESH(
                BEFORE_CLAIM,
                BEFORE_CLAIM_COMMIT,
                AFTER_CLAIM_COMMIT,
                AFTER_LOCK_FOR_CALL,
                BEFORE_BILL,
                AFTER_BILL,
                AFTER_OUTCOME,
                BEFORE_SETTLE_COMMIT,
                AFTER_SETTLE_COMMIT),
        /** Left behind by a server that died after the charge. */
        LEFT_CHARGED(
                BEFORE_TAKE_OVER_COMMIT,
                AFTER_TAKE_OVER_COMMIT,
                BEFORE_FIND,
                AFTER_FIND,
                AFTER_LOCK_FOR_CALL,
                BEFORE_BILL,
                AFTER_BILL,
                AFTER_OUTCOME,
                BEFORE_SETTLE_COMMIT,
                AFTER_SETTLE_COMMIT),
        /** Left behind by a server that died before the charge. */
        LEFT_UNCHARGED(
                BEFORE_TAKE_OVER_COMMIT,
                AFTER_TAKE_OVER_COMMIT,
                BEFORE_FIND,
                AFTER_FIND,
                AFTER_LOCK_FOR_CALL,
                BEFORE_BILL,
                AFTER_BILL,
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
    static List<FaultCell> group(Situation situation, Point point, Fault fault) {
        List<FaultCell> cells = new ArrayList<>();
        for (LockStrategy strategy : LockStrategy.values()) {
            for (LockScope scope : LockScope.values()) {
                for (ProviderKind provider : ProviderKind.values()) {
                    cells.add(new FaultCell(situation, point, fault, strategy, scope, provider));
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
            case BEFORE_CLAIM, BEFORE_CLAIM_COMMIT, AFTER_CLAIM_COMMIT -> true;
            case AFTER_OUTCOME, BEFORE_SETTLE_COMMIT, AFTER_SETTLE_COMMIT -> true;
            case BEFORE_MARK_COMMIT, AFTER_MARK_COMMIT -> true;
            // Where nothing can be found out it is parked.
            case BEFORE_TAKE_OVER_COMMIT, AFTER_TAKE_OVER_COMMIT -> provider != ProviderKind.NEITHER;
            case BEFORE_FIND, AFTER_FIND -> provider.canBeAsked;
            case BEFORE_BILL, AFTER_BILL -> sends;
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

    LockingInvoiceBiller.Builder server(DataSource dataSource, HttpClient client, URI ledger) {
        return server(dataSource, gateway(client, ledger));
    }

    BillingGateway gateway(HttpClient client, URI ledger) {
        return HttpLedger.gateway(client, ledger, provider, table());
    }

    LockingInvoiceBiller.Builder server(DataSource dataSource, BillingGateway gateway) {
        return LockingInvoiceBiller.builder(dataSource, gateway)
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
                .retryPolicy(RetryPolicy.every(Duration.ofMillis(100), 50));
    }
}
