package io.github.invoicelock.internal.invoices;

import io.github.invoicelock.RowLock;
import java.util.List;
import java.util.Map;
import org.jooq.Condition;
import org.jooq.Field;
import org.jspecify.annotations.Nullable;

/**
 * What the host said of its table ({@code InvoiceTable}), before anything was checked against the database.
 *
 * @param schema null: found by the search path
 * @param pendingColumn null where {@code pendingWhen} says it
 * @param pendingWhen null where {@code pendingColumn} says it
 * @param billableWhen null: every pending invoice
 * @param orderedBy null: by id alone
 * @param onBilled what else is set when the invoice was charged
 * @param onDeclined what is set when it was finally refused
 * @param referenceColumn null: the reference is not stored
 * @param billedAtColumn null: the time is not stored
 * @param including aliased expressions for the snapshot
 * @param oneAtATimeFor the column that says whose calls must not meet; null: no such bound
 * @param keeping columns and aliases whose values stay in the journal
 * @param amountColumn the one of these that says what is charged; null: none does
 */
public record InvoiceSettings(
        @Nullable String schema,
        String table,
        String id,
        @Nullable String pendingColumn,
        @Nullable Condition pendingWhen,
        @Nullable Condition billableWhen,
        @Nullable String orderedBy,
        Map<String, @Nullable Object> onBilled,
        Map<String, @Nullable Object> onDeclined,
        @Nullable String referenceColumn,
        @Nullable String billedAtColumn,
        List<Field<?>> including,
        @Nullable String oneAtATimeFor,
        List<String> keeping,
        @Nullable String amountColumn,
        RowLock rowLock) {}
