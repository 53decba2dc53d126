package io.github.invoicelock.internal.invoices;

/**
 * A column of the host's table, or an included expression, as the catalog has it.
 *
 * @param name as PostgreSQL stores it
 * @param type as {@code format_type} prints it: quoted where needed, valid in a cast; a domain's own name
 * @param baseType the same with domains resolved and without a length
 * @param nullable whether it may be null
 * @param carriage how its values get into the snapshot and back
 */
public record Column(String name, String type, String baseType, boolean nullable, Carriage carriage) {
    /** How values get into the snapshot and back exactly. */
    public enum Carriage {
        /** As {@code to_jsonb} makes it: exact for nearly every type. */
        JSON,
        /**
         * As PostgreSQL prints it: an array of {@code jsonb} would come back with a JSON array as a dimension of its own, a type with a
         * cast to {@code json} ({@code hstore}) would not come back at all.
         */
        TEXT,
        /** {@code money} as a number: what it prints depends on {@code lc_monetary}. */
        NUMBER
    }

    /** Whether it holds moments: timestamptz, timestamp, date, and domains over these. */
    public boolean isTime() {
        return baseType.equals("date") || baseType.startsWith("timestamp");
    }

    /** Whether it holds numbers, money among them, and domains over these. */
    public boolean isNumber() {
        return switch (baseType) {
            case "smallint", "integer", "bigint", "numeric", "real", "double precision", "money" -> true;
            default -> false;
        };
    }

    /** Whether it holds texts: text, varchar, char(n), citext, and domains over these. */
    public boolean isText() {
        return switch (baseType) {
            case "text", "character varying", "bpchar" -> true;
            default -> baseType.endsWith("citext");
        };
    }
}
