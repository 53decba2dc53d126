package io.github.invoicelock.internal.words;

import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Judgement;
import io.github.invoicelock.internal.settlement.Marking;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;

/**
 * Who speaks outside of a run: written as runs write, over connections that no run waits for.
 *
 * @param resolutions what people say
 * @param reports what the provider says to the host
 * @param withdrawals what the host takes back
 * @param reconciliations what the provider's list of charges says
 * @param overview what people are shown
 * @param pauses how people stop billing, and let it go on
 * @param decisions what people decide, and what they decide by
 */
public record Words(
        Resolutions resolutions,
        Reports reports,
        Withdrawals withdrawals,
        Reconciliations reconciliations,
        Overview overview,
        Pauses pauses,
        Decisions decisions) {
    /** Those of one biller. */
    public static Words of(BillerSettings settings, Tables tables, HostCode hostCode, Notices notices) {
        Judgement judgement = new Judgement(settings, hostCode);
        OutsideWriting writing = new OutsideWriting(tables, notices);
        Settlements settlements = new Settlements(settings, tables, judgement, new Marking(settings, tables, hostCode));
        Resolutions resolutions = new Resolutions(tables, settlements, writing);
        Advising advising = new Advising(settings, tables);
        return new Words(
                resolutions,
                new Reports(settings.name(), tables, settlements, judgement, writing),
                new Withdrawals(tables),
                new Reconciliations(settings, tables, settlements, writing),
                new Overview(settings, tables, notices),
                new Pauses(tables, notices),
                new Decisions(
                        new Questions(settings, tables, writing),
                        advising,
                        new ManyAtOnce(tables, resolutions, advising),
                        new Proposals(tables, resolutions, writing)));
    }
}
