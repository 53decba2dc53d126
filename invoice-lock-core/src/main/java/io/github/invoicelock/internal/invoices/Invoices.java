package io.github.invoicelock.internal.invoices;

import java.util.List;
import java.util.Map;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;

/** The host's table: all statements on it, by what they serve. Immutable. */
public final class Invoices {
    private final InvoiceColumns columns;
    private final InvoiceIds ids;
    private final Candidates candidates;
    private final Snapshots snapshots;
    private final RowLocks rowLocks;
    private final Marks marks;
    private final Sums sums;

    /**
     * The statements on a table that was checked.
     *
     * @param included names and types of the included expressions, in their order
     * @param also what else holds of an invoice that is to be claimed
     */
    public Invoices(
            InvoiceSettings settings,
            String schema,
            Map<String, Column> columns,
            List<Column> included,
            Condition also) {
        this.columns = InvoiceColumns.of(settings, schema, columns, also);
        this.ids = new InvoiceIds(this.columns);
        this.candidates = new Candidates(this.columns);
        this.snapshots = new Snapshots(this.columns, included);
        this.rowLocks = new RowLocks(this.columns, snapshots);
        this.marks = new Marks(this.columns);
        this.sums = new Sums(this.columns);
    }

    public Candidates candidates() {
        return candidates;
    }

    public RowLocks rowLocks() {
        return rowLocks;
    }

    public Snapshots snapshots() {
        return snapshots;
    }

    public Marks marks() {
        return marks;
    }

    public Sums sums() {
        return sums;
    }

    public InvoiceIds ids() {
        return ids;
    }

    /** The id as the journal knows it, as a column of the table: for the journal's conditions. */
    public Field<String> idText() {
        return columns.idText();
    }

    /** The table's name, quoted and qualified: for people and for the registry of billers. */
    public String qualifiedName() {
        return columns.qualifiedName();
    }

    /** What pending means, in SQL: for people and for the registry of billers. */
    public String pendingSql() {
        return DSL.using(SQLDialect.POSTGRES).renderInlined(columns.pending());
    }

    /** What billable means, in SQL; empty where every pending invoice is. */
    public String billableSql() {
        return columns.settings().billableWhen() == null
                ? ""
                : DSL.using(SQLDialect.POSTGRES)
                        .renderInlined(columns.settings().billableWhen());
    }
}
