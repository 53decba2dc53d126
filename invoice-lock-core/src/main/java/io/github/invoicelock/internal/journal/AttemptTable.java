package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Record;
import org.jooq.Record1;
import org.jooq.Select;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * The table {@code billing_attempt}: its columns, how a row is read, and the parts that its statements share. The clock is the database's
 * at the statement, {@code statement_timestamp()} (R8). Immutable.
 *
 * <p>On Citus the journal is distributed by {@code invoice_id}, and every statement keeps to what Citus can plan there: it names the
 * invoice; no subquery in the values of an insert; in an update no volatile function ({@code clock_timestamp()} is one,
 * {@code statement_timestamp()} is not), no stable one over a column, and none but immutable ones in {@code case} and {@code coalesce}.
 */
final class AttemptTable {
    static final Field<Long> ID = field(name("id"), SQLDataType.BIGINT);
    static final Field<String> BILLER = field(name("biller"), SQLDataType.CLOB);
    static final Field<String> INVOICE_ID = field(name("invoice_id"), SQLDataType.CLOB);
    static final Field<Integer> NUMBER = field(name("number"), SQLDataType.INTEGER);
    static final Field<String> IDEMPOTENCY_KEY = field(name("idempotency_key"), SQLDataType.CLOB);
    static final Field<String> STATE = field(name("state"), SQLDataType.CLOB);
    static final Field<OffsetDateTime> DUE_AT = field(name("due_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    static final Field<Boolean> UNMARKED = field(name("unmarked"), SQLDataType.BOOLEAN);
    static final Field<String> CAUSE = field(name("cause"), SQLDataType.CLOB);
    static final Field<OffsetDateTime> LEASE_UNTIL = field(name("lease_until"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    static final Field<String> OWNER = field(name("owner"), SQLDataType.CLOB);
    static final Field<Integer> FENCE = field(name("fence"), SQLDataType.INTEGER);
    static final Field<Integer> CALLS = field(name("calls"), SQLDataType.INTEGER);
    static final Field<OffsetDateTime> STARTED_AT = field(name("started_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    static final Field<OffsetDateTime> SETTLED_AT = field(name("settled_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    static final Field<JSONB> INVOICE = field(name("invoice"), SQLDataType.JSONB);
    static final Field<JSONB> KEPT = field(name("kept"), SQLDataType.JSONB);
    static final Field<String> REFERENCE = field(name("reference"), SQLDataType.CLOB);
    static final Field<String> CODE = field(name("code"), SQLDataType.CLOB);
    static final Field<String> MESSAGE = field(name("message"), SQLDataType.CLOB);
    static final Field<String> RESOLVED_BY = field(name("resolved_by"), SQLDataType.CLOB);
    static final Field<String> NOTE = field(name("note"), SQLDataType.CLOB);

    static final List<Field<?>> COLUMNS = List.of(
            ID,
            BILLER,
            INVOICE_ID,
            NUMBER,
            IDEMPOTENCY_KEY,
            STATE,
            DUE_AT,
            UNMARKED,
            CAUSE,
            LEASE_UNTIL,
            OWNER,
            FENCE,
            CALLS,
            STARTED_AT,
            SETTLED_AT,
            INVOICE,
            KEPT,
            REFERENCE,
            CODE,
            MESSAGE,
            RESOLVED_BY,
            NOTE);

    static final Field<OffsetDateTime> CLOCK = field("statement_timestamp()", SQLDataType.TIMESTAMPWITHTIMEZONE(6));

    private static final int LONGEST_TEXT = 1_000;

    private final JournalSettings settings;
    private final UUID installation;
    private final Table<Record> attempts;
    private final Places places;
    private final Table<Record> billers;

    AttemptTable(String schema, UUID installation, JournalSettings settings) {
        this.settings = settings;
        this.installation = installation;
        this.attempts = DSL.table(name(schema, "billing_attempt"));
        this.places = new Places(this, settings.oneAtATimeFor());
        this.billers = DSL.table(name(schema, "biller"));
    }

    Table<Record> table() {
        return attempts;
    }

    Table<Record> billers() {
        return billers;
    }

    /** What holds the biller back, as the statement sees it, a {@link Hold}: part of those that claim, so that a claim costs no look of its own. */
    Field<String> hold() {
        return DSL.coalesce(
                field(select(field(
                                "case when {0} is not null then {1} when {2} > {3} then {4} else {5} end",
                                String.class,
                                field(name("b", "paused_at")),
                                inline(Hold.PAUSE.name()),
                                field(name("b", "brake_until")),
                                CLOCK,
                                inline(Hold.BRAKE.name()),
                                inline(Hold.NONE.name())))
                        .from(billers.as("b"))
                        .where(field(name("b", "name"), SQLDataType.CLOB).eq(biller()))),
                inline(Hold.NONE.name()));
    }

    /** Who may call for a customer. */
    Places places() {
        return places;
    }

    String biller() {
        return settings.biller();
    }

    String server() {
        return settings.server();
    }

    /** Whether its rows are on several nodes (Citus). */
    boolean distributed() {
        return settings.distributed();
    }

    boolean keepsSnapshots() {
        return settings.keepSnapshots();
    }

    /** What is kept of a snapshot when it is over; no column where nothing is. */
    List<String> kept() {
        return settings.kept();
    }

    /** What an attempt keeps of its invoice under this name, while its snapshot is there and afterwards. */
    static Field<String> keptOf(String alias, String name) {
        return field(
                "coalesce({0} ->> {2}, {1} ->> {2})",
                String.class, field(name(alias, KEPT.getName())), field(name(alias, INVOICE.getName())), inline(name));
    }

    /** What is kept of a snapshot: as texts, by functions that are immutable, as Citus asks. */
    Field<JSONB> keptFrom(Field<JSONB> snapshot) {
        return field(
                "jsonb_object(array[{0}], array[{1}])",
                JSONB.class,
                DSL.list(kept().stream().map(DSL::inline).toList()),
                DSL.list(kept().stream()
                        .map(name -> field("{0} ->> {1}", String.class, snapshot, inline(name)))
                        .toList()));
    }

    /** The one that the provider knows by this key. */
    Select<Record> ofKey(Field<String> key) {
        return select(COLUMNS).from(attempts).where(BILLER.eq(biller())).and(IDEMPOTENCY_KEY.eq(key));
    }

    /** STARTED, as the index on due times has it: another server's lease may be longer than any of ours. */
    Condition started() {
        return BILLER.eq(biller())
                .and(STATE.eq(inline(AttemptState.STARTED.name())))
                .and(DUE_AT.isNotNull());
    }

    /** That a person has to look at them. */
    Condition needsAttention() {
        // R22: what is open and never due is listed, whoever wrote it. As the index has it.
        return BILLER.eq(biller())
                .and(CAUSE.isNotNull()
                        .or(DUE_AT.isNull()
                                .and(STATE.in(
                                        inline(AttemptState.STARTED.name()),
                                        inline(AttemptState.ACCEPTED.name()),
                                        inline(AttemptState.IN_DOUBT.name()),
                                        inline(AttemptState.NOT_BILLED.name())))));
    }

    /** As it can be stored, and not longer than anybody reads. */
    @Nullable
    String text(@Nullable String text) {
        return settings.storable().ofNullable(cut(text));
    }

    private static @Nullable String cut(@Nullable String text) {
        if (text == null || text.length() <= LONGEST_TEXT) {
            return text;
        }
        // Not between the two halves of a character.
        int end = Character.isHighSurrogate(text.charAt(LONGEST_TEXT - 1)) ? LONGEST_TEXT - 1 : LONGEST_TEXT;
        return text.substring(0, end);
    }

    /** A reference is kept whole. */
    @Nullable
    String reference(@Nullable String reference) {
        return settings.storable().ofNullable(reference);
    }

    /**
     * R3: the key is derived, so that a database that was put back mints the same again. The form of a UUID version 8 from the first
     * 16 bytes of a SHA-256. The biller's name has no control characters, so no two invoices share a text.
     */
    Field<String> key(Field<String> invoiceId, Field<Integer> number) {
        // The hash three times over: Citus takes no subquery that would name it.
        return keyOf(hash(invoiceId, number));
    }

    Field<byte[]> hash(Field<String> invoiceId, Field<Integer> number) {
        return field(
                "substring(sha256(convert_to({0} || {1} || {2}::text, 'UTF8')) from 1 for 16)",
                byte[].class, val(installation + "\n" + biller() + "\n"), DSL.concat(invoiceId, inline("\n")), number);
    }

    static Field<String> keyOf(Field<byte[]> hash) {
        return field(
                "encode(set_byte(set_byte({0}, 6, get_byte({0}, 6) & 15 | 128), 8, get_byte({0}, 8) & 63 | 128), 'hex')::uuid::text",
                String.class, hash);
    }

    /** As a correlated look-up: an anti-join over a journal that was never analysed would hash all of it. */
    Select<Record1<Integer>> attemptOf(Field<String> invoiceId, Condition such) {
        return select(inline(1))
                .from(attempts.as("a"))
                .where(qualified(BILLER).eq(biller()))
                .and(qualified(INVOICE_ID).eq(invoiceId))
                .and(such)
                .limit(inline(1));
    }

    static <T> Field<T> qualified(Field<T> column) {
        return field(name("a", column.getName()), column.getDataType());
    }

    static <T> Field<T> ofAttempts(Field<T> column) {
        return field(name("billing_attempt", column.getName()), column.getDataType());
    }

    Condition ofInvoice(String invoiceId) {
        return BILLER.eq(biller()).and(INVOICE_ID.eq(invoiceId));
    }

    // Every statement that writes names the invoice: on Citus the journal is distributed by it.
    static Condition isThis(BillingAttempt attempt) {
        return ID.eq(attempt.id()).and(INVOICE_ID.eq(attempt.invoiceId()));
    }

    static Condition isThis() {
        return ID.eq(DSL.param("id", Long.class)).and(INVOICE_ID.eq(DSL.param("invoice", String.class)));
    }

    static Field<OffsetDateTime> clockPlus(Duration delay) {
        return field("{0} + {1}", SQLDataType.TIMESTAMPWITHTIMEZONE(6), CLOCK, seconds(delay));
    }

    static Field<?> seconds(Duration duration) {
        return field("{0} * interval '1 second'", Object.class, inline(duration.toMillis() / 1000d));
    }

    static AttemptRow row(Record row) {
        return row(row, "");
    }

    /** The one reader of a row. */
    static AttemptRow row(Record row, String prefix) {
        JSONB invoice = row.get(prefix + INVOICE.getName(), JSONB.class);
        JSONB kept = row.get(prefix + KEPT.getName(), JSONB.class);
        String cause = row.get(prefix + CAUSE.getName(), String.class);
        BillingAttempt attempt = new BillingAttempt(
                row.get(prefix + ID.getName(), Long.class),
                row.get(prefix + BILLER.getName(), String.class),
                row.get(prefix + INVOICE_ID.getName(), String.class),
                row.get(prefix + NUMBER.getName(), Integer.class),
                row.get(prefix + IDEMPOTENCY_KEY.getName(), String.class),
                AttemptState.valueOf(row.get(prefix + STATE.getName(), String.class)),
                instant(row, prefix, DUE_AT),
                row.get(prefix + OWNER.getName(), String.class),
                row.get(prefix + FENCE.getName(), Integer.class),
                row.get(prefix + CALLS.getName(), Integer.class),
                row.get(prefix + STARTED_AT.getName(), OffsetDateTime.class).toInstant(),
                instant(row, prefix, SETTLED_AT),
                invoice == null ? null : invoice.data(),
                row.get(prefix + REFERENCE.getName(), String.class),
                row.get(prefix + CODE.getName(), String.class),
                row.get(prefix + MESSAGE.getName(), String.class),
                row.get(prefix + RESOLVED_BY.getName(), String.class),
                row.get(prefix + NOTE.getName(), String.class),
                cause == null ? null : AttemptCause.valueOf(cause),
                kept == null ? null : kept.data());
        return new AttemptRow(
                attempt, instant(row, prefix, LEASE_UNTIL), row.get(prefix + UNMARKED.getName(), Boolean.class));
    }

    private static @Nullable Instant instant(Record row, String prefix, Field<OffsetDateTime> column) {
        OffsetDateTime value = row.get(prefix + column.getName(), OffsetDateTime.class);
        return value == null ? null : value.toInstant();
    }
}
