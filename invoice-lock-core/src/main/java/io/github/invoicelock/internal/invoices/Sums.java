package io.github.invoicelock.internal.invoices;

import io.github.invoicelock.InvoiceLockException;
import java.math.BigDecimal;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

/** Sums of columns over invoices, for people who look before they bill. */
public final class Sums {
    private final InvoiceColumns columns;

    Sums(InvoiceColumns columns) {
        this.columns = columns;
    }

    /**
     * Zero of each.
     *
     * @throws InvoiceLockException if one is no column of numbers
     */
    public Map<String, BigDecimal> zero(List<String> names) {
        Map<String, BigDecimal> sums = new LinkedHashMap<>();
        names.forEach(name -> sums.put(numbers(name), BigDecimal.ZERO));
        return sums;
    }

    private String numbers(String name) {
        Column column = columns.all().get(name);
        String remedy = ". Name columns of numbers: "
                + columns.all().values().stream()
                        .filter(Column::isNumber)
                        .map(Column::name)
                        .sorted()
                        .collect(Collectors.joining(", "))
                + ".";
        if (column == null) {
            throw new InvoiceLockException("preview is to sum up \"" + name + "\", which " + columns.qualifiedName()
                    + " does not have" + remedy);
        }
        if (!column.isNumber()) {
            throw new InvoiceLockException("preview is to sum up \"" + name + "\" of " + columns.qualifiedName()
                    + ", which is of type " + column.type() + remedy);
        }
        return name;
    }

    /** Adds those of some invoices, as far as they are pending. */
    public void add(DSLContext tx, Collection<String> ids, Map<String, BigDecimal> sums) {
        if (ids.isEmpty() || sums.isEmpty()) {
            return;
        }
        List<Field<BigDecimal>> fields = sums.keySet().stream()
                .map(name -> DSL.coalesce(
                                DSL.sum(DSL.cast(columns.field(columns.column(name)), SQLDataType.NUMERIC)),
                                DSL.inline(BigDecimal.ZERO))
                        .as(name))
                .toList();
        Record some = tx.select(fields)
                .from(columns.table())
                .where(columns.isOneOf(DSL.val(ids.toArray(String[]::new))))
                .and(columns.isPending())
                .fetchSingle();
        sums.replaceAll((name, sum) -> sum.add(some.get(name, BigDecimal.class)));
    }
}
