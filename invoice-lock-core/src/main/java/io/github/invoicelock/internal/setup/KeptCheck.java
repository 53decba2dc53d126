package io.github.invoicelock.internal.setup;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.invoices.Column;
import io.github.invoicelock.internal.invoices.InvoiceSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Checks that what stays in the journal of a snapshot is in it. */
final class KeptCheck {
    private static final Set<String> NUMBERS = Set.of("numeric", "bigint", "integer", "smallint");

    private KeptCheck() {}

    static void check(InvoiceSettings settings, String table, Map<String, Column> columns, List<Column> included) {
        Map<String, Column> all = new LinkedHashMap<>(columns);
        included.forEach(column -> all.put(column.name(), column));
        for (String kept : settings.keeping()) {
            if (!all.containsKey(kept)) {
                throw new SetupException("No column \"" + kept + "\" in " + table
                        + ", and nothing is included under that name. InvoiceTable.keeping(\"" + kept
                        + "\") must name one of these: " + String.join(", ", all.keySet()) + ".");
            }
        }
        Column amount = settings.amountColumn() == null ? null : all.get(settings.amountColumn());
        if (amount != null && !NUMBERS.contains(amount.baseType())) {
            throw new SetupException("Column \"" + amount.name() + "\" of " + table + " is of type " + amount.type()
                    + ", which is no plain number. InvoiceTable.amountIn must name a column of type numeric, bigint, integer or "
                    + "smallint; for any other include one: including(field(\"" + amount.name()
                    + "::numeric\").as(\"charged\")), then amountIn(\"charged\").");
        }
    }
}
