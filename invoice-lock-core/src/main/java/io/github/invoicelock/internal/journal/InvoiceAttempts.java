package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptState;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * All attempts of one invoice, which the transaction has locked: what is decided about an invoice is decided over these (R18).
 *
 * @param rows oldest first
 * @param clock the database's, when they were read (R8)
 * @param hold what held the biller back then
 */
public record InvoiceAttempts(List<AttemptRow> rows, Instant clock, Hold hold) {
    public boolean paused() {
        return hold == Hold.PAUSE;
    }

    public boolean braked() {
        return hold == Hold.BRAKE;
    }

    public Optional<AttemptRow> newest() {
        return rows.isEmpty() ? Optional.empty() : Optional.of(rows.get(rows.size() - 1));
    }

    public Optional<AttemptRow> withId(long id) {
        return rows.stream().filter(row -> row.attempt().id() == id).findFirst();
    }

    public Optional<AttemptRow> billed() {
        return rows.stream().filter(row -> row.is(AttemptState.BILLED)).findFirst();
    }

    /** One that is charged, beside another. */
    public Optional<AttemptRow> billedBeside(long id) {
        return rows.stream()
                .filter(row -> row.is(AttemptState.BILLED) && row.attempt().id() != id)
                .findFirst();
    }
}
