package io.github.invoicelock.internal.journal;

import io.github.invoicelock.internal.database.StorableText;
import org.jspecify.annotations.Nullable;

/**
 * Whose attempts a journal's statements are about.
 *
 * @param biller the biller's name
 * @param server this server, different for each biller that was built
 * @param keepSnapshots whether snapshots are kept when they are not needed any more
 * @param oneAtATimeFor the invoice's column that says whose calls must not meet; null: no such bound
 * @param storable makes texts of the host and the provider storable
 * @param distributed whether the journal's rows are on several nodes (Citus)
 */
public record JournalSettings(
        String biller,
        String server,
        boolean keepSnapshots,
        @Nullable String oneAtATimeFor,
        StorableText storable,
        boolean distributed) {}
