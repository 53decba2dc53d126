package io.github.invoicelock.internal.setup;

import io.github.invoicelock.internal.invoices.Column.Carriage;
import java.util.List;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;

/**
 * What is to be minded about a type's values on their way into the snapshot and back, by the catalog: what it is made of (elements,
 * attributes, bounds, the base of a domain) counts as well.
 *
 * @param pseudo whether no column can be of it
 * @param carriage how its values get there and back
 */
record TypeTraits(boolean pseudo, Carriage carriage) {
    /** Of types by their numbers in {@code pg_type}. */
    static List<TypeTraits> of(DSLContext tx, List<Long> types) {
        return tx.fetch("""
                        with recursive root (number, typid) as (
                          select n, t from unnest(cast({0} as bigint[])::oid[]) with ordinality as r(t, n)
                        ), base (number, typid) as (
                          select number, typid from root
                          union all
                          select b.number, t.typbasetype from base b join pg_type t on t.oid = b.typid and t.typtype = 'd'
                        ), part (number, typid) as (
                          select number, typid from root
                          union
                          select p.number, made.typid
                          from part p join pg_type t on t.oid = p.typid
                          cross join lateral (
                            select t.typbasetype where t.typtype = 'd'
                            union all
                            select t.typelem where t.typelem <> 0 and t.typlen = -1
                            union all
                            select a.atttypid from pg_attribute a
                            where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
                            union all
                            select r.rngsubtype from pg_range r where r.rngtypid = t.oid or r.rngmultitypid = t.oid
                          ) made (typid)
                        )
                        select bt.typtype = 'p' as pseudo,
                               bt.oid = 'money'::regtype as money,
                               bt.oid not in ('json'::regtype, 'jsonb'::regtype) and exists (
                                 select from part p
                                 where p.number = b.number and (p.typid in ('json'::regtype, 'jsonb'::regtype) or exists (
                                   select from pg_cast c
                                   where c.castsource = p.typid and c.casttarget = 'json'::regtype and c.castmethod = 'f'))) as as_text
                        from base b join pg_type bt on bt.oid = b.typid and bt.typtype <> 'd'
                        order by b.number""", DSL.val(types.toArray(Long[]::new)))
                .map(row -> new TypeTraits(
                        row.get("pseudo", Boolean.class),
                        row.get("money", Boolean.class)
                                ? Carriage.NUMBER
                                : row.get("as_text", Boolean.class) ? Carriage.TEXT : Carriage.JSON));
    }
}
