package io.github.invoicelock.internal.invoices;

import io.github.invoicelock.InvoiceLockException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record1;
import org.jooq.impl.DSL;

/** Ids of invoices as their rows print them: the journal knows no other form. */
public final class InvoiceIds {
    private final InvoiceColumns columns;

    InvoiceIds(InvoiceColumns columns) {
        this.columns = columns;
    }

    /**
     * An id that a caller gave (a Long, Integer, Short, UUID or String), as PostgreSQL prints its type. Whether there is such a row, and
     * how that prints it, {@link #printed} says.
     */
    public String idOf(Object invoiceId) {
        String text = String.valueOf(invoiceId);
        try {
            return switch (columns.id().baseType()) {
                case "bigint" -> Long.toString(Long.parseLong(text.strip()));
                case "integer" -> Integer.toString(Integer.parseInt(text.strip()));
                case "smallint" -> Short.toString(Short.parseShort(text.strip()));
                case "uuid" -> UUID.fromString(text.strip()).toString();
                // Its blanks are not part of a char(n).
                case "bpchar" -> storable(text.stripTrailing());
                default -> storable(text);
            };
        } catch (IllegalArgumentException e) {
            throw new InvoiceLockException(
                    "\"" + text + "\" cannot be the id of an invoice: column \""
                            + columns.id().name() + "\" of " + columns.qualifiedName() + " is of type "
                            + columns.id().type() + ".",
                    e);
        }
    }

    /** The same of a text that somebody else gave; empty if it can be none. */
    public Optional<String> possible(String text) {
        try {
            return Optional.of(idOf(text));
        } catch (InvoiceLockException e) {
            return Optional.empty();
        }
    }

    private static String storable(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("PostgreSQL stores no text with the character 0");
        }
        return text;
    }

    /** Ids as their rows print them, by what they were asked by; without those that have no row. */
    public Map<String, String> printed(DSLContext tx, Collection<String> texts) {
        Map<String, String> printed = new HashMap<>();
        Field<String> asked = DSL.field(DSL.name("asked", "id"), String.class);
        tx.select(asked, columns.idText())
                .from(DSL.table("unnest({0}) as asked(id)", DSL.val(texts.toArray(String[]::new))), columns.table())
                .where(columns.isId(asked))
                .forEach(row -> printed.put(row.value1(), row.value2()));
        return printed;
    }

    /**
     * The id as its row prints it, which may be another text than the caller's where the column's collation takes the two for equal;
     * empty if there is no such row.
     */
    public Optional<String> printed(DSLContext tx, String text) {
        return tx.select(columns.idText())
                .from(columns.table())
                .where(columns.isId(DSL.val(text)))
                .limit(DSL.inline(1))
                .fetchOptional(Record1::value1);
    }
}
