package io.github.invoicelock.internal.errors;

import java.time.Duration;

/**
 * How long a transaction's waits may take (R17).
 *
 * @param statement when the server ends a statement
 * @param silence when the client gives up on a server that says nothing
 */
public record Waits(Duration statement, Duration silence) {}
