package io.github.invoicelock.internal.journal;

import io.github.invoicelock.internal.database.StorableText;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whose attempts a journal's statements are about.
 *
 * @param biller the biller's name
 * @param server this server, different for each biller that was built
 * @param keepSnapshots whether snapshots are kept when they are not needed any more
 * @param oneAtATimeFor the invoice's column that says whose calls must not meet; null: no such bound
 * @param kept which values of a snapshot are kept when it is over; empty: none
 * @param amount the one of these that says what was charged; null: none does
 * @param storable makes texts of the host and the provider storable
 * @param distributed whether the journal's rows are on several nodes (Citus)
 */
public record JournalSettings(
        String biller,
        String server,
        boolean keepSnapshots,
        @Nullable String oneAtATimeFor,
        List<String> kept,
        @Nullable String amount,
        StorableText storable,
        boolean distributed) {}
