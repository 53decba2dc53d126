package io.github.invoicelock.examples.schemas;

import io.github.invoicelock.InvoiceTable;
import org.jooq.Record;

/**
 * The table that the library's defaults fit.
 *
 * @param biller the table's name, and the biller's
 */
public record SimpleSchema(String biller) implements HostSchema {

    @Override
    public InvoiceTable invoices() {
        return InvoiceTable.named(biller).storeReferenceIn("charge");
    }

    @Override
    public Charge charge(Record invoice) {
        return new Charge(invoice.get("amount", String.class), "usd", "", "");
    }

    @Override
    public String ddl() {
        return """
                create table %1$s (
                    id      int primary key,
                    pending boolean not null default true,
                    amount  numeric(10, 2) not null default 9.99,
                    charge  text
                );
                create index on %1$s (id) where pending;
                """.formatted(biller);
    }

    @Override
    public String supply(int from, int to) {
        return "insert into %s (id) select g from generate_series(%d, %d) g".formatted(biller, from, to);
    }

    @Override
    public String look() {
        return "select id::text, pending, charge as reference, null::text[] as charges from " + biller;
    }
}
