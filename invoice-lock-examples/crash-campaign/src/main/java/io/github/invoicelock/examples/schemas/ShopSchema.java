package io.github.invoicelock.examples.schemas;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import io.github.invoicelock.InvoiceTable;
import java.math.BigDecimal;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Record;

/**
 * A shop with integer keys and quoted names, and no state: after the data model of Chinook, the sample database of a music shop
 * (github.com/lerocha/chinook-database).
 */
public record ShopSchema() implements HostSchema {

    @Override
    public String biller() {
        return "shop";
    }

    @Override
    public InvoiceTable invoices() {
        return table();
    }

    // tag::table[]
    private static final Field<?> PAYMENT_METHOD = field("""
            (select c."PaymentMethod" from "Customer" c where c."CustomerId" = "Invoice"."CustomerId")
            """).as("payment_method");

    private static final Field<?> LINES = field("""
            (select jsonb_agg(jsonb_build_object('track', l."TrackId", 'price', l."UnitPrice", 'quantity', l."Quantity")
                              order by l."InvoiceLineId")
             from "InvoiceLine" l where l."InvoiceId" = "Invoice"."InvoiceId")
            """).as("lines");

    static InvoiceTable table() {
        return InvoiceTable.named("Invoice")
                .id("InvoiceId")
                .pendingWhen(field(name("PaidAt")).isNull())
                .storeBilledAtIn("PaidAt")
                .storeReferenceIn("PaymentReference")
                .including(PAYMENT_METHOD, LINES);
    }
    // end::table[]

    @Override
    public Charge charge(Record invoice) {
        // tag::charge[]
        BigDecimal total = invoice.get("Total", BigDecimal.class); // numeric(10, 2): two decimals, always
        String paymentMethod = invoice.get("payment_method", String.class);
        JSONB lines = invoice.get("lines", JSONB.class);
        // end::charge[]
        return new Charge(total.toPlainString(), "USD", paymentMethod, lines.data());
    }

    @Override
    public String supply(int from, int to) {
        return """
                insert into "Invoice" ("InvoiceId", "CustomerId", "InvoiceDate", "BillingCountry", "Total")
                select g, g %% 10, now(), 'Norway', 0.99 * (1 + g %% 3) from generate_series(%1$d, %2$d) g;
                insert into "InvoiceLine" ("InvoiceId", "TrackId", "UnitPrice", "Quantity")
                select g, t, 0.99, 1 from generate_series(%1$d, %2$d) g, generate_series(1, 1 + g %% 3) t;
                update "Customer" set "PaymentMethod" = 'pm_' || "CustomerId" || '_%2$d';
                """.formatted(from, to);
    }

    @Override
    public String look() {
        return """
                select "InvoiceId"::text as id, "PaidAt" is null as pending, "PaymentReference" as reference, null::text[] as charges
                from "Invoice" where "InvoiceId" > 0
                """;
    }
}
