package io.github.invoicelock.internal.journal;

import java.time.Duration;

/**
 * Whose attempts these are.
 *
 * @param biller the biller's name
 * @param server this server, different for each biller that was built
 * @param lease how long a claim is believed
 * @param findLag how far the provider's look-up may lag
 * @param keepSnapshots whether snapshots are kept when they are not needed any more
 */
public record Owner(String biller, String server, Duration lease, Duration findLag, boolean keepSnapshots) {}
