package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Name;
import org.jooq.QueryPart;
import org.jooq.Record;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * What the provider says it charged, beside what the journal says: the statements on {@code provider_charge}. Each is about a page, by keys
 * and indexes alone, so that none takes long however many charges there are (R17).
 */
public final class ProviderCharges {
    /** Under how many numbers a lost key is looked for behind those that the journal has of its invoice: one for each refusal that it lost, too. */
    private static final int NUMBERS = 5;

    private static final String TAKE = """
                with told as materialized (
                  select * from unnest({2}, {3}, {4}, cast({5} as numeric[]), cast({6} as timestamptz[]))
                    as told(reference, key, invoice, amount, charged_at)
                )
                insert into {0} (reconciliation, reference, charged_at, idempotency_key, told_invoice, amount, invoice_id, number, finding, recorded,
                  recorded_amount)
                select {7}, t.reference, t.charged_at, t.key, t.invoice, t.amount,
                  case when k.biller is null or k.biller = {8} then
                    coalesce(k.invoice_id, d.invoice, r.invoice_id, case when t.key is null then t.invoice end) end,
                  coalesce(k.number, d.number, r.number),
                  case when k.biller <> {8} then 'OF_ANOTHER_BILLER' when k.matched then 'MATCHED' end,
                  case when k.matched then k.reference end, case when k.matched then k.amount end
                from told t
                left join lateral (select a.biller, a.invoice_id, a.number, a.reference, {11} as amount,
                    a.state = 'BILLED' and a.reference = t.reference and a.cause is distinct from 'SECOND_CHARGE'
                      and coalesce(t.amount = {11}, true) as matched from {1} a
                  where a.idempotency_key = t.key limit 1) k on true
                left join lateral (select n as number, t.invoice as invoice from generate_series(1, {9} + {12}) n
                  where t.key is not null and t.invoice is not null and k.number is null and {10} = t.key limit 1) d on true
                left join lateral (select a.invoice_id, a.number from {1} a
                  where a.biller = {8} and a.reference = t.reference and k.number is null and d.number is null
                  limit 1) r on true
                on conflict (reconciliation, reference) do nothing""";

    private static final String JUDGE = """
                with page as materialized (
                  select * from {0} where reconciliation = {2} and finding is null limit {3}
                ), judged as materialized (
                  select p.reference, own.amount, coalesce(own.reference, other.reference) as recorded,
                    case
                      when p.invoice_id is null then 'UNKNOWN_KEY'
                      when own.second and other.reference is not null then 'CHARGED_TWICE'
                      when own.reference is not null and p.amount <> own.amount then 'OTHER_AMOUNT'
                      when own.reference is not null then 'MATCHED'
                      when other.reference is not null and (listed.yes or earlier.yes or other.over) then 'CHARGED_TWICE'
                      when other.reference is not null then 'OTHER_REFERENCE'
                      when earlier.yes then 'CHARGED_TWICE'
                      else 'NOT_RECORDED' end as finding
                  from page p
                  left join lateral (select a.reference, a.cause = 'SECOND_CHARGE' as second, {5} as amount from {1} a
                    where {4} and a.reference = p.reference order by a.number limit 1) own on true
                  left join lateral (select a.reference, a.settled_at < {6} or a.started_at >= {7} as over from {1} a
                    where {4} and a.reference <> p.reference order by a.number limit 1) other on true
                  left join lateral (select exists (select from {1} a join {0} x on x.reconciliation = {2} and x.reference = a.reference
                    where {4} and a.reference <> p.reference) as yes) listed on true
                  left join lateral (select exists (select from {0} e where e.reconciliation = {2} and e.invoice_id = p.invoice_id
                    and (e.charged_at, e.reference) < (p.charged_at, p.reference)) as yes) earlier on true
                ), written as (
                  update {0} c set finding = j.finding, recorded = j.recorded, recorded_amount = j.amount from judged j
                  where c.reconciliation = {2} and c.reference = j.reference
                )
                select exists (select from page)""";

    private final AttemptTable table;
    private final Name charges;
    private final @Nullable String amount;

    ProviderCharges(AttemptTable table, String schema, @Nullable String amount) {
        this.table = table;
        this.charges = name(schema, "provider_charge");
        this.amount = amount;
    }

    /**
     * Of an invoice that is charged, as it is to be written back.
     *
     * @param number of the attempt; null where no key tells
     */
    public record Unrecorded(String invoiceId, @Nullable Integer number, String reference, Instant time) {}

    /** Forgets some of what was compared a week ago and never closed; false if none is left. */
    public boolean forgetOld(DSLContext tx, int most) {
        return delete(tx, DSL.condition("handed_at < {0} - interval '7 days'", AttemptTable.CLOCK), most);
    }

    /** Forgets some; false if none is left. */
    public boolean forget(DSLContext tx, UUID reconciliation, int most) {
        return delete(tx, DSL.condition("reconciliation = {0}", val(reconciliation)), most);
    }

    private boolean delete(DSLContext tx, Condition which, int most) {
        return tx.execute(
                        "delete from {0} where ctid = any(array(select ctid from {0} where {1} limit {2}))",
                        charges, which, inline(most))
                > 0;
    }

    /**
     * Takes charges, each with the invoice that it belongs to: by its key, which has the last word; by its reference, if that is recorded; or,
     * where it has no key, by the invoice's id. What is recorded with its key and reference, as nearly all is, is judged with it. A reference
     * that was taken before is left out.
     *
     * @param known the ids of invoices that are there, as their rows or attempts have them, by what the provider said
     * @return how many were not taken before
     */
    public int take(DSLContext tx, UUID reconciliation, List<ProviderCharge> some, Map<String, String> known) {
        return tx.execute(
                TAKE,
                charges,
                table.table(),
                texts(some, ProviderCharge::reference),
                texts(some, ProviderCharge::key),
                texts(some, charge -> charge.invoiceId() == null ? null : known.get(charge.invoiceId())),
                texts(
                        some,
                        charge ->
                                charge.amount() == null ? null : charge.amount().toPlainString()),
                texts(some, charge -> charge.time().toString()),
                val(reconciliation),
                val(table.biller()),
                inline(NUMBERS),
                key(field("t.invoice", SQLDataType.CLOB)),
                amountOfAttempt(),
                numbersOf(field("t.invoice", SQLDataType.CLOB)));
    }

    /** By the constraint's index, and only where a key is looked for. */
    private Field<Integer> numbersOf(Field<String> invoice) {
        return field(
                "coalesce((select max(a.number) from {0} a where a.biller = {1} and a.invoice_id = {2}), 0)",
                Integer.class, table.table(), val(table.biller()), invoice);
    }

    private Field<String> key(Field<String> invoice) {
        return AttemptTable.keyOf(table.hash(invoice, field("n", SQLDataType.INTEGER)));
    }

    private Field<String[]> texts(List<ProviderCharge> some, Function<ProviderCharge, @Nullable String> text) {
        return val(
                some.stream().map(charge -> table.reference(text.apply(charge))).toArray(String[]::new));
    }

    /** Whether there are keys that neither the journal knows nor any invoice beside them explains. */
    public boolean hasUnknownKeys(DSLContext tx, UUID reconciliation) {
        return tx.fetchSingle(
                        "select exists (select from {0} where reconciliation = {1} and invoice_id is null and idempotency_key is not null "
                                + "and finding is null)",
                        charges, val(reconciliation))
                .get(0, Boolean.class);
    }

    /** Finds keys of these invoices that the journal has lost: it would make them again (R3). */
    public void deriveKeys(DSLContext tx, UUID reconciliation, Collection<String> invoiceIds) {
        tx.execute(
                """
                update {0} c set invoice_id = d.invoice, number = d.n
                from (select i.invoice, n, {1} as key from unnest({2}) as i(invoice) cross join lateral generate_series(1, {3} + {5}) n offset 0) d
                where c.reconciliation = {4} and c.idempotency_key = d.key and c.invoice_id is null and c.finding is null""",
                charges,
                key(field("i.invoice", SQLDataType.CLOB)),
                val(invoiceIds.toArray(String[]::new)),
                inline(NUMBERS),
                val(reconciliation),
                numbersOf(field("i.invoice", SQLDataType.CLOB)));
    }

    /** Judges some of the charges that are not judged yet; false if there was none. */
    public boolean judge(DSLContext tx, UUID reconciliation, Period period, int most) {
        return tx.fetchSingle(
                        JUDGE,
                        charges,
                        table.table(),
                        val(reconciliation),
                        inline(most),
                        DSL.condition(
                                "a.biller = {0} and a.invoice_id = p.invoice_id and a.state = 'BILLED'",
                                val(table.biller())),
                        amountOfAttempt(),
                        AttemptPages.at(period.from()),
                        AttemptPages.at(period.to()))
                .get(0, Boolean.class);
    }

    /** Null where no amount is kept, or what was kept is no number: its column may have been another one. */
    private QueryPart amountOfAttempt() {
        return amount == null
                ? field("cast(null as numeric)", BigDecimal.class)
                : field(
                        "case when {0} ~ '^-?[0-9]+([.][0-9]+)?$' then cast({0} as numeric) end",
                        BigDecimal.class, AttemptTable.keptOf("a", amount));
    }

    /**
     * What was compared.
     *
     * @param from the first moment
     * @param to the end; itself not included
     */
    public record Period(Instant from, Instant to) {}

    /**
     * Finds, among a page of attempts whose whole life lies in the period, charges that the provider did not tell of; the last of the page,
     * empty if there was none.
     */
    public Optional<Long> judgeRecorded(
            DSLContext tx, UUID reconciliation, AttemptPages.Range rest, Period period, int most) {
        return Optional.ofNullable(tx.fetchSingle(
                        """
                with page as materialized (
                  select * from {1} where biller = {3} and state = 'BILLED' and {4} and id between {5} and {6} order by id limit {7}
                ), written as (
                  insert into {0} (reconciliation, reference, charged_at, idempotency_key, invoice_id, number, finding, recorded, recorded_amount)
                  select {2}, a.reference, a.settled_at, a.idempotency_key, a.invoice_id, a.number, 'NOT_CHARGED', a.reference, {8} from page a
                  where not exists (select from {0} x where x.reconciliation = {2} and x.reference = a.reference)
                    and not exists (select from {0} o where o.reconciliation = {2} and o.invoice_id = a.invoice_id
                      and o.finding = 'OTHER_REFERENCE' and o.recorded = a.reference)
                  on conflict (reconciliation, reference) do nothing
                )
                select max(id) from page""",
                        charges,
                        table.table(),
                        val(reconciliation),
                        val(table.biller()),
                        AttemptTable.STARTED_AT
                                .ge(AttemptPages.at(period.from()))
                                .and(AttemptTable.SETTLED_AT.lt(AttemptPages.at(period.to()))),
                        inline(rest.first()),
                        inline(rest.last()),
                        inline(most),
                        amountOfAttempt())
                .get(0, Long.class));
    }

    /** How many of each kind there are. */
    public Map<Reconciliation.Kind, Long> counts(DSLContext tx, UUID reconciliation) {
        Map<Reconciliation.Kind, Long> counts = new EnumMap<>(Reconciliation.Kind.class);
        tx.fetch(
                        "select finding, count(*) from {0} where reconciliation = {1} group by finding",
                        charges, val(reconciliation))
                .forEach(row ->
                        counts.put(Reconciliation.Kind.valueOf(row.get(0, String.class)), row.get(1, Long.class)));
        return counts;
    }

    /** A page of one kind, by time, behind one. */
    public List<Reconciliation.Finding> findings(
            DSLContext tx,
            UUID reconciliation,
            Reconciliation.Kind kind,
            Reconciliation.@Nullable Finding last,
            int most) {
        return tx.fetch(
                        "select * from {0} where {1} order by charged_at, reference limit {2}",
                        charges,
                        behind(
                                reconciliation,
                                kind,
                                last == null ? null : last.time(),
                                last == null ? "" : last.reference()),
                        inline(most))
                .map(row -> new Reconciliation.Finding(
                        kind,
                        row.get("invoice_id", String.class),
                        row.get("idempotency_key", String.class),
                        row.get("reference", String.class),
                        row.get("amount", BigDecimal.class),
                        time(row),
                        row.get("recorded", String.class),
                        row.get("recorded_amount", BigDecimal.class)));
    }

    /** A page of what is to be written back, by time, behind one. */
    public List<Unrecorded> unrecorded(DSLContext tx, UUID reconciliation, @Nullable Unrecorded last, int most) {
        return tx.fetch(
                        "select * from {0} where {1} order by charged_at, reference limit {2}",
                        charges,
                        behind(
                                reconciliation,
                                Reconciliation.Kind.NOT_RECORDED,
                                last == null ? null : last.time(),
                                last == null ? "" : last.reference()),
                        inline(most))
                .map(row -> new Unrecorded(
                        row.get("invoice_id", String.class),
                        row.get("number", Integer.class),
                        row.get("reference", String.class),
                        time(row)));
    }

    private static Instant time(Record row) {
        return row.get("charged_at", OffsetDateTime.class).toInstant();
    }

    private static Condition behind(
            UUID reconciliation, Reconciliation.Kind kind, @Nullable Instant time, String reference) {
        Condition such =
                DSL.condition("reconciliation = {0} and finding = {1}", val(reconciliation), inline(kind.name()));
        return time == null
                ? such
                : such.and("(charged_at, reference) > ({0}, {1})", AttemptPages.at(time), val(reference));
    }
}
