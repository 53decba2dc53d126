package io.github.invoicelock.internal.database;

import java.time.Duration;

/**
 * How long a transaction's waits may take (R17).
 *
 * @param statement when the server ends a statement
 * @param silence when the client gives up on a server that says nothing
 */
record Waits(Duration statement, Duration silence) {}
