package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jooq.Condition;
import org.jooq.Field;
import org.jspecify.annotations.Nullable;

/**
 * Describes the host's table of invoices. Immutable: each method returns a changed copy.
 *
 * <p>Names are taken literally and quoted, so {@code "Invoice"} and {@code "invoice"} are two names.
 * {@link LockingInvoiceBiller.Builder#build()} checks that they exist.
 *
 * <p>The defaults fit {@code invoices(id, pending)}: {@code id} is the primary key, {@code pending} is a boolean that the library sets
 * to false when the invoice was charged.
 *
 * <p>Conditions and expressions are jOOQ's. Column names are unqualified, as in {@code DSL.field(DSL.name("state"))}, or qualified by the
 * table. Values become literals in the SQL, so that PostgreSQL can match them with a partial index.
 *
 * <p><b>The snapshot.</b> The invoice's row is kept as {@code jsonb} when it is claimed. {@link BillingRequest#invoice()} is read from that at
 * every call, in the same way, independent of the session's settings. Values come back exactly, with jOOQ's types for their columns.
 * {@code timestamptz} comes in UTC ({@code infinity} as {@code OffsetDateTime.MAX}), {@code time} as {@code LocalTime}. These limits are the
 * same at every call:
 *
 * <ul>
 *   <li>{@code json} comes back as {@code jsonb} prints it: one of several equal keys, no white space. A {@code null} in it is no value.
 *   <li>A float's {@code -0} comes back as 0, and arrays start at 1.
 *   <li>{@code NaN} and {@code Infinity} in a {@code numeric} come back as null, because {@code BigDecimal} has neither.
 *   <li>{@code money}, ranges and composite types come as text, which depends on {@code lc_monetary} and the session's time zone. To get the
 *       value itself, use {@link #including} with {@code amount::numeric} or {@code lower(period)}.
 * </ul>
 *
 * <p><b>Changes of the table.</b> Columns may be added and dropped while servers run. An added column is null in older snapshots. A renamed
 * column counts as another column. An attempt whose snapshot does not fit an altered column is parked for a person.
 *
 * <p><b>Errors of one invoice.</b> An expression may fail for one invoice ({@link #including}, {@link #billableWhen}, a value of
 * {@link #onBilledSet}). That invoice is set aside: it is listed with {@link AttemptCause#OWN_DATA_FAILS} and the error, and tried again by
 * itself. All others are billed.
 */
public final class InvoiceTable {
    final @Nullable String schema;
    final String table;
    final String id;
    final @Nullable String pendingColumn;
    final @Nullable Condition pendingWhen;
    final @Nullable Condition billableWhen;
    final @Nullable String orderedBy;
    final Map<String, @Nullable Object> onBilled;
    final Map<String, @Nullable Object> onDeclined;
    final @Nullable String referenceColumn;
    final @Nullable String billedAtColumn;
    final List<Field<?>> including;
    final @Nullable String oneAtATimeFor;
    final List<String> keeping;
    final @Nullable String amountColumn;

    private InvoiceTable(Copy from) {
        this.schema = from.schema;
        this.table = from.table;
        this.id = from.id;
        this.pendingColumn = from.pendingColumn;
        this.pendingWhen = from.pendingWhen;
        this.billableWhen = from.billableWhen;
        this.orderedBy = from.orderedBy;
        this.onBilled = from.onBilled;
        this.onDeclined = from.onDeclined;
        this.referenceColumn = from.referenceColumn;
        this.billedAtColumn = from.billedAtColumn;
        this.including = from.including;
        this.oneAtATimeFor = from.oneAtATimeFor;
        this.keeping = from.keeping;
        this.amountColumn = from.amountColumn;
    }

    /**
     * A table found by the role's {@code search_path}.
     *
     * @param table its name, as PostgreSQL stores it
     * @return a table with the defaults
     */
    public static InvoiceTable named(String table) {
        return new InvoiceTable(new Copy(null, requireNonNull(table, "table")));
    }

    /**
     * A table in a schema.
     *
     * @param schema the schema's name, as PostgreSQL stores it
     * @param table the table's name, as PostgreSQL stores it
     * @return a table with the defaults
     */
    public static InvoiceTable named(String schema, String table) {
        return new InvoiceTable(new Copy(requireNonNull(schema, "schema"), requireNonNull(table, "table")));
    }

    /**
     * The column that identifies an invoice. {@code id} by default. Its type is bigint, integer, smallint, uuid, text, varchar or char(n), or a
     * domain over one of these. It must be not null and unique. The journal compares ids byte by byte, independent of the column's collation.
     * So never change an id, not even its case.
     *
     * @param column its name
     * @return the changed copy
     */
    public InvoiceTable id(String column) {
        Copy copy = new Copy(this);
        copy.id = requireNonNull(column, "column");
        return new InvoiceTable(copy);
    }

    /**
     * The boolean column that is true while the invoice is to be charged. The library sets it to false after the charge. {@code pending} by
     * default. Replaces {@link #pendingWhen}.
     *
     * @param column its name
     * @return the changed copy
     */
    public InvoiceTable pendingColumn(String column) {
        Copy copy = new Copy(this);
        copy.pendingColumn = requireNonNull(column, "column");
        copy.pendingWhen = null;
        return new InvoiceTable(copy);
    }

    /**
     * When an invoice is still to be charged, for tables without a boolean column: {@code field("state").eq("open")}. Replaces
     * {@link #pendingColumn}.
     *
     * <p>{@link #onBilledSet}, {@link #storeBilledAtIn} or {@link #storeReferenceIn} must make it false, so one of them is required.
     * {@link LockingInvoiceBiller.Builder#build()} refuses a table where PostgreSQL can tell that they do not. The condition must not raise an
     * error.
     *
     * @param condition over the invoice's row
     * @return the changed copy
     */
    public InvoiceTable pendingWhen(Condition condition) {
        Copy copy = new Copy(this);
        copy.pendingWhen = requireNonNull(condition, "condition");
        copy.pendingColumn = null;
        return new InvoiceTable(copy);
    }

    /**
     * Which of the pending invoices are to be charged by now, for example those that are due within seven days. Every pending one by default.
     * It only decides what is taken up: an invoice that has an attempt is not affected.
     *
     * @param condition over the invoice's row; may use subqueries
     * @return the changed copy
     */
    public InvoiceTable billableWhen(Condition condition) {
        Copy copy = new Copy(this);
        copy.billableWhen = requireNonNull(condition, "condition");
        return new InvoiceTable(copy);
    }

    /**
     * The column by which fresh invoices are taken up, lowest first, nulls last, then by id. By id alone by default.
     *
     * @param column its name
     * @return the changed copy
     */
    public InvoiceTable orderedBy(String column) {
        Copy copy = new Copy(this);
        copy.orderedBy = requireNonNull(column, "column");
        return new InvoiceTable(copy);
    }

    /**
     * What else is set when the invoice was charged, in the same statement as the mark. May be called for several columns.
     *
     * @param column its name
     * @param value a value that fits the column's type, as a literal in SQL would; a jOOQ {@link Field}; or null
     * @return the changed copy
     */
    public InvoiceTable onBilledSet(String column, @Nullable Object value) {
        Copy copy = new Copy(this);
        copy.onBilled = with(onBilled, column, value);
        return new InvoiceTable(copy);
    }

    /**
     * What is set when the provider refused for good and the {@link RetryPolicy} does not try again. The attempt is closed then, and no longer
     * waits for a person. Nothing by default: then the invoice stays pending, is not tried again by itself, and waits for a person.
     *
     * <p>An invoice that is no longer pending is left as the host set it. If the host holds the row at that moment, a later run sets the column.
     *
     * @param column its name
     * @param value a value that fits the column's type, as a literal in SQL would; a jOOQ {@link Field}; or null
     * @return the changed copy
     */
    public InvoiceTable onDeclinedSet(String column, @Nullable Object value) {
        Copy copy = new Copy(this);
        copy.onDeclined = with(onDeclined, column, value);
        return new InvoiceTable(copy);
    }

    /**
     * Stores the provider's id of the charge when the invoice was charged.
     *
     * @param column its name, of a text type. If a reference is too long for it, the charge is in the journal and the invoice is set aside. It
     *     is marked once the column has room
     * @return the changed copy
     */
    public InvoiceTable storeReferenceIn(String column) {
        Copy copy = new Copy(this);
        copy.referenceColumn = requireNonNull(column, "column");
        return new InvoiceTable(copy);
    }

    /**
     * Stores the database's time of the mark when the invoice was charged.
     *
     * @param column its name, of type timestamptz, timestamp or date
     * @return the changed copy
     */
    public InvoiceTable storeBilledAtIn(String column) {
        Copy copy = new Copy(this);
        copy.billedAtColumn = requireNonNull(column, "column");
        return new InvoiceTable(copy);
    }

    /**
     * What the charge needs from other tables: scalar expressions over the row, each with an alias that is no column of the table. For
     * example {@code DSL.field("(select c.payment_method from customers c where c.id = invoices.customer_id)").as("payment_method")}. They
     * become part of the snapshot, and come back in {@link BillingRequest#invoice()} with their own types.
     *
     * @param fields aliased expressions
     * @return the changed copy, which includes these beside those of earlier calls
     */
    public InvoiceTable including(Field<?>... fields) {
        Copy copy = new Copy(this);
        List<Field<?>> all = new ArrayList<>(including);
        Collections.addAll(all, fields);
        copy.including = List.copyOf(all);
        return new InvoiceTable(copy);
    }

    /**
     * No two calls at once, over all servers, for invoices with the same value in this column. No such bound by default. Set the same on every
     * server. Not available on Citus.
     *
     * <p>Use it if your provider locks a customer while it charges them and answers 429 to another charge, or if rules against fraud decline a
     * second one. Invoices without a value are not bounded. An attempt in doubt counts until no request of it can be on its way any more.
     *
     * <p>A run bills the invoices of a customer one after the other. If another server is billing that customer, the run leaves them to it. Each
     * invoice is claimed by itself, also with {@link LockStrategy#SKIP_LOCKED}.
     *
     * @param column its name, {@code customer_id} for example
     * @return the changed copy
     */
    public InvoiceTable oneAtATimeFor(String column) {
        Copy copy = new Copy(this);
        copy.oneAtATimeFor = requireNonNull(column, "column");
        return new InvoiceTable(copy);
    }

    /**
     * Which values of the snapshot stay in the journal when the snapshot is dropped: for exports, and for comparing with the provider. Each is
     * kept as text, as PostgreSQL prints it; see {@link BillingAttempt#kept()}. Nothing by default. It takes effect for attempts that settle
     * from then on.
     *
     * @param columns of the table, or aliases of {@link #including}
     * @return the changed copy, which keeps these beside those of earlier calls
     */
    public InvoiceTable keeping(String... columns) {
        Copy copy = new Copy(this);
        Set<String> all = new LinkedHashSet<>(keeping);
        for (String column : columns) {
            all.add(requireNonNull(column, "column"));
        }
        copy.keeping = List.copyOf(all);
        return new InvoiceTable(copy);
    }

    /**
     * The column with the amount that is charged, in the unit of {@link ProviderCharge#amount()}. {@link LockingInvoiceBiller#reconcile} compares
     * both. The amount stays in the journal, as with {@link #keeping}. By default amounts are not compared.
     *
     * @param column of the table, or an alias of {@link #including}; of type numeric, bigint, integer or smallint
     * @return the changed copy
     */
    public InvoiceTable amountIn(String column) {
        Copy copy = new Copy(keeping(column));
        copy.amountColumn = column;
        return new InvoiceTable(copy);
    }

    @Override
    public String toString() {
        return schema == null
                ? "InvoiceTable.named(\"" + table + "\")"
                : "InvoiceTable.named(\"" + schema + "\", \"" + table + "\")";
    }

    private static Map<String, @Nullable Object> with(
            Map<String, @Nullable Object> values, String column, @Nullable Object value) {
        Map<String, @Nullable Object> copy = new LinkedHashMap<>(values);
        copy.put(requireNonNull(column, "column"), value);
        return Collections.unmodifiableMap(copy);
    }

    /** The one mutable step between two immutable tables. */
    private static final class Copy {
        private final @Nullable String schema;
        private final String table;
        private String id = "id";
        private @Nullable String pendingColumn = "pending";
        private @Nullable Condition pendingWhen;
        private @Nullable Condition billableWhen;
        private @Nullable String orderedBy;
        private Map<String, @Nullable Object> onBilled = Map.of();
        private Map<String, @Nullable Object> onDeclined = Map.of();
        private @Nullable String referenceColumn;
        private @Nullable String billedAtColumn;
        private List<Field<?>> including = List.of();
        private @Nullable String oneAtATimeFor;
        private List<String> keeping = List.of();
        private @Nullable String amountColumn;

        private Copy(@Nullable String schema, String table) {
            this.schema = schema;
            this.table = table;
        }

        private Copy(InvoiceTable from) {
            this(from.schema, from.table);
            this.id = from.id;
            this.pendingColumn = from.pendingColumn;
            this.pendingWhen = from.pendingWhen;
            this.billableWhen = from.billableWhen;
            this.orderedBy = from.orderedBy;
            this.onBilled = from.onBilled;
            this.onDeclined = from.onDeclined;
            this.referenceColumn = from.referenceColumn;
            this.billedAtColumn = from.billedAtColumn;
            this.including = from.including;
            this.oneAtATimeFor = from.oneAtATimeFor;
            this.keeping = from.keeping;
            this.amountColumn = from.amountColumn;
        }
    }
}
