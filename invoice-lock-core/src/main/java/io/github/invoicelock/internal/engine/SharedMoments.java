package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.journal.SharedLimits;
import io.github.invoicelock.internal.limits.FleetPace;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
import java.util.Optional;

/** Where the moments of all servers' calls are given away: the journal. Asked by one thread of a server at a time. */
final class SharedMoments implements FleetPace.Journal {
    private final double callsPerSecond;
    private final Tables tables;
    private final Notices notices;
    private boolean heldTold;

    SharedMoments(double callsPerSecond, Tables tables, Notices notices) {
        this.callsPerSecond = callsPerSecond;
        this.tables = tables;
        this.notices = notices;
    }

    /** Where another session holds the row, a person's for example, it is asked again until the run ends: that is no error. */
    @Override
    public FleetPace.Answer reserve(int calls) {
        Optional<FleetPace.Answer> answer =
                SharedLimits.ask(tables.database(), tables.journal().limits().reserve(calls, callsPerSecond));
        if (answer.isEmpty() && !heldTold) {
            notices.rowHeld("calls wait until it is free");
        }
        heldTold = answer.isEmpty();
        answer.filter(each -> !each.given()).ifPresent(each -> judge(each.in().plus(FleetPace.AHEAD)));
        return answer.orElse(FleetPace.Answer.LATER);
    }

    /** The database's clock may have been set back, or the limit raised: nobody is to wait for that long. */
    private void judge(Duration ahead) {
        Duration furthest = FleetPace.furthestAhead(callsPerSecond);
        if (ahead.compareTo(furthest) > 0
                && SharedLimits.ask(tables.database(), tables.journal().limits().putBack(furthest))
                        .orElse(false)) {
            notices.cursorPutBack(ahead, furthest);
        }
    }
}
