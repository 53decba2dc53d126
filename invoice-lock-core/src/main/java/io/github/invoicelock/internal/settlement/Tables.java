package io.github.invoicelock.internal.settlement;

import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Journal;

/**
 * What a step works on.
 *
 * @param database the door
 * @param journal the statements on the attempts
 * @param invoices the statements on the host's table
 */
public record Tables(Database database, Journal journal, Invoices invoices) {
    /** The same through a narrower door. */
    public Tables atMost(int connections) {
        return new Tables(database.atMost(connections), journal, invoices);
    }
}
