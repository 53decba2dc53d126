package io.github.invoicelock.internal.invoices;

/**
 * A column of the host's table, or an included expression, as the catalog has it.
 *
 * @param name as PostgreSQL stores it
 * @param type as {@code format_type} prints it: quoted where needed, valid in a cast; a domain's own name
 * @param baseType the same with domains resolved
 * @param nullable whether it may be null
 */
public record Column(String name, String type, String baseType, boolean nullable) {
    boolean isTime() {
        return baseType.equals("date") || baseType.startsWith("timestamp");
    }
}
