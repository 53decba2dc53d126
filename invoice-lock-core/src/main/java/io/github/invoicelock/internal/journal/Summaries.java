package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.count;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.max;
import static org.jooq.impl.DSL.min;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.select;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingActivity;
import io.github.invoicelock.WaitingGroup;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.Table;
import org.jooq.impl.SQLDataType;

/** What people see at a glance: counts of a bounded number of rows, which an index finds. */
public final class Summaries {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final int MOST_COUNTED = 100_000;
    private static final int MOST_GROUPS = 100;
    /** An id, a date or an amount would make a group of its own for each attempt; a status of three digits tells them apart. */
    private static final String WORD_WITH_A_NUMBER = "\\S*\\d{4,}\\S*|\\w+_\\w*\\d\\w*|[0-9a-f]{8}-[0-9a-f-]{20,}";

    private final AttemptTable table;

    Summaries(AttemptTable table) {
        this.table = table;
    }

    /** The oldest that wait for a person, by what they have in common, the largest group first. */
    public List<WaitingGroup> waiting(DSLContext tx) {
        Field<String> message = field(
                "regexp_replace(left({0}, 200), {1}, {2}, {3})",
                String.class, AttemptTable.MESSAGE, inline(WORD_WITH_A_NUMBER), inline("…"), inline("g"));
        Table<?> oldest = select(
                        AttemptTable.CAUSE,
                        AttemptTable.STATE,
                        AttemptTable.CODE,
                        message.as("message"),
                        AttemptTable.STARTED_AT)
                .from(table.table())
                .where(table.needsAttention())
                .orderBy(AttemptTable.ID)
                .limit(inline(Inquiries.MOST_LISTED))
                .asTable("waiting");
        return tx.select(
                        AttemptTable.CAUSE,
                        AttemptTable.STATE,
                        AttemptTable.CODE,
                        AttemptTable.MESSAGE,
                        count().as("count"),
                        min(AttemptTable.STARTED_AT).as("oldest"),
                        max(AttemptTable.STARTED_AT).as("newest"))
                .from(oldest)
                .groupBy(AttemptTable.CAUSE, AttemptTable.STATE, AttemptTable.CODE, AttemptTable.MESSAGE)
                .orderBy(field(name("count")).desc(), field(name("oldest")))
                .limit(inline(MOST_GROUPS))
                .fetch(Summaries::group);
    }

    private static WaitingGroup group(Record row) {
        String cause = row.get(AttemptTable.CAUSE);
        return new WaitingGroup(
                cause == null ? null : AttemptCause.valueOf(cause),
                AttemptState.valueOf(row.get(AttemptTable.STATE)),
                row.get(AttemptTable.CODE),
                row.get(AttemptTable.MESSAGE),
                row.get("count", Long.class),
                row.get("oldest", OffsetDateTime.class).toInstant(),
                row.get("newest", OffsetDateTime.class).toInstant());
    }

    /**
     * What came to an end in the hour before a moment.
     *
     * @param now by the database's clock, read before: a function is no bound of an index's range
     */
    public BillingActivity lastHour(DSLContext tx, Instant now) {
        Instant from = now.minus(HOUR);
        Table<?> outcomes = select(AttemptTable.SETTLED_AT, AttemptTable.OWNER, AttemptTable.STATE)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(AttemptPages.within(AttemptTable.SETTLED_AT, from, null))
                .and(AttemptPages.hoursOf(AttemptTable.SETTLED_AT, from, null))
                .limit(inline(MOST_COUNTED + 1))
                .asTable("outcomes");
        Field<OffsetDateTime> minute =
                field("date_trunc('minute', {0})", SQLDataType.TIMESTAMPWITHTIMEZONE(6), AttemptTable.SETTLED_AT);
        Result<? extends Record> rows = tx.select(
                        minute.as("minute"),
                        AttemptTable.OWNER,
                        max(AttemptTable.SETTLED_AT).as("last"),
                        count().as("outcomes"),
                        count().filterWhere(AttemptTable.STATE.eq(inline(AttemptState.BILLED.name())))
                                .as("charges"))
                .from(outcomes)
                .groupBy(field(name("minute")), AttemptTable.OWNER)
                .fetch();
        long counted =
                rows.stream().mapToLong(row -> row.get("outcomes", Long.class)).sum();
        return new BillingActivity(minutes(rows, now), servers(rows), counted <= MOST_COUNTED);
    }

    private static List<BillingActivity.Minute> minutes(Result<? extends Record> rows, Instant now) {
        Map<Instant, Long> charges = new TreeMap<>();
        Instant last = now.truncatedTo(ChronoUnit.MINUTES);
        for (int back = (int) HOUR.toMinutes(); back >= 0; back--) {
            charges.put(last.minus(Duration.ofMinutes(back)), 0L);
        }
        // What was settled since the clock was read is of the next look.
        rows.forEach(row -> charges.computeIfPresent(
                row.get("minute", OffsetDateTime.class).toInstant(),
                (minute, before) -> before + row.get("charges", Long.class)));
        return charges.entrySet().stream()
                .map(each -> new BillingActivity.Minute(each.getKey(), each.getValue()))
                .toList();
    }

    private static List<BillingActivity.Server> servers(Result<? extends Record> rows) {
        return rows.stream().collect(Collectors.groupingBy(row -> row.get(AttemptTable.OWNER))).entrySet().stream()
                .map(server -> new BillingActivity.Server(
                        server.getKey(),
                        server.getValue().stream()
                                .map(row ->
                                        row.get("last", OffsetDateTime.class).toInstant())
                                .max(Comparator.naturalOrder())
                                .orElseThrow(),
                        server.getValue().stream()
                                .mapToLong(row -> row.get("charges", Long.class))
                                .sum()))
                .sorted(Comparator.comparing(BillingActivity.Server::lastSeen).reversed())
                .toList();
    }
}
