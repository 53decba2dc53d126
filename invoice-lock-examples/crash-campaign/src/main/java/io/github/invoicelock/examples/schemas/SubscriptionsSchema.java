package io.github.invoicelock.examples.schemas;

import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import io.github.invoicelock.InvoiceTable;
import java.util.Arrays;
import org.jooq.Field;
import org.jooq.Record;

/**
 * Subscriptions with uuid keys and two states as text: after the invoice, customer and fee objects that Lago, a billing system, documents
 * (getlago.com/docs/api-reference/invoices/invoice-object).
 */
public record SubscriptionsSchema() implements HostSchema {

    @Override
    public String biller() {
        return "subscriptions";
    }

    @Override
    public InvoiceTable invoices() {
        return table();
    }

    // tag::table[]
    private static final Field<?> CUSTOMER = field("""
            (select c.provider_customer_id from billing.customers c where c.id = invoices.customer_id)
            """).as("provider_customer_id");

    private static final Field<?> ITEM_CODES = field("""
            (select array_agg(f.item_code order by f.item_code) from billing.fees f where f.invoice_id = invoices.id)
            """).as("item_codes");

    static InvoiceTable table() {
        return InvoiceTable.named("billing", "invoices")
                .pendingWhen(field(name("status"))
                        .eq("finalized")
                        .and(field(name("payment_status")).eq("pending")))
                .billableWhen(condition("payment_due_date <= current_date"))
                .orderedBy("payment_due_date")
                .onBilledSet("payment_status", "succeeded")
                .onDeclinedSet("payment_status", "failed")
                .storeReferenceIn("provider_payment_id")
                .including(CUSTOMER, ITEM_CODES);
    }
    // end::table[]

    @Override
    public Charge charge(Record invoice) {
        // tag::charge[]
        long cents = invoice.get("total_amount_cents", Long.class);
        String currency = invoice.get("currency", String.class);
        String customer = invoice.get("provider_customer_id", String.class);
        String[] itemCodes = invoice.get("item_codes", String[].class);
        // end::charge[]
        return new Charge(String.valueOf(cents), currency, customer, Arrays.toString(itemCodes));
    }

    @Override
    public String supply(int from, int to) {
        // Beside those to be paid: a draft of today, and one that is due in a month.
        return """
                insert into billing.invoices
                    (id, customer_id, number, issuing_date, payment_due_date, status, currency, total_amount_cents)
                select md5('invoice ' || g)::uuid, md5('customer ' || g %% 10)::uuid, 'LAG-' || g, current_date - 30,
                       current_date - g %% 7, 'finalized', 'EUR', 100 * (g %% 3 + 1)
                from generate_series(%1$d, %2$d) g
                union all values
                    (md5('draft %1$d')::uuid, md5('customer 0')::uuid, 'DRAFT-%1$d', current_date, current_date, 'draft', 'EUR', 100),
                    (md5('later %1$d')::uuid, md5('customer 0')::uuid, 'LATER-%1$d', current_date, current_date + 30, 'finalized', 'EUR', 100);
                insert into billing.fees (invoice_id, item_code, units, amount_cents)
                select md5('invoice ' || g)::uuid, 'item-' || f, 0.5, 100
                from generate_series(%1$d, %2$d) g, generate_series(0, g %% 3) f;
                update billing.customers set provider_customer_id = regexp_replace(provider_customer_id, '[0-9]+$', '%2$d');
                """.formatted(from, to);
    }

    @Override
    public String look() {
        return """
                select id::text, status = 'finalized' and payment_status = 'pending' as pending, provider_payment_id as reference,
                       null::text[] as charges
                from billing.invoices where number like 'LAG-%'
                """;
    }
}
