package io.github.invoicelock.internal.journal;

import io.github.invoicelock.BillingAttempt;
import java.time.Duration;
import org.jooq.Record;

/**
 * An attempt that this server owns now, with the invoice as its snapshot has it.
 *
 * @param attempt the row
 * @param invoice typed, from the snapshot (R4)
 * @param keyAge since the key's first claim, by the database's clock (R8)
 * @param requestsOverIn how long a request of an earlier owner may still arrive, or be missing from a look-up that lags (R7); zero if none can
 */
public record Claimed(BillingAttempt attempt, Record invoice, Duration keyAge, Duration requestsOverIn) {}
