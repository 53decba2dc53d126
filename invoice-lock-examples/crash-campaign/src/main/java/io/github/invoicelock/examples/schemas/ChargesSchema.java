package io.github.invoicelock.examples.schemas;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.InvoiceTable;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Record;

/**
 * An enum of states and a table of charges: after the invoice, customer and charge objects that Stripe documents
 * (docs.stripe.com/api/invoices/object, docs.stripe.com/api/charges/object), with the types that Supabase's Stripe Sync Engine, which
 * brings them to PostgreSQL, gives them (github.com/supabase/stripe-sync-engine).
 */
public record ChargesSchema() implements HostSchema {

    @Override
    public String biller() {
        return "charges";
    }

    @Override
    public InvoiceTable invoices() {
        return table();
    }

    // tag::table[]
    private static final Field<?> PAYMENT_METHOD = field("""
            (select c.invoice_settings ->> 'default_payment_method' from customers c where c.id = invoices.customer)
            """).as("payment_method");

    static InvoiceTable table() {
        return InvoiceTable.named("invoices")
                .pendingWhen(field(name("status")).eq("open"))
                .orderedBy("created")
                .onBilledSet("status", "paid")
                .onDeclinedSet("status", "uncollectible")
                .including(PAYMENT_METHOD);
    }
    // end::table[]

    @Override
    public Charge charge(Record invoice) {
        // tag::charge[]
        long amountDue = invoice.get("amount_due", Long.class);
        String currency = invoice.get("currency", String.class);
        String paymentMethod = invoice.get("payment_method", String.class);
        JSONB lines = invoice.get("lines", JSONB.class);
        // end::charge[]
        return new Charge(String.valueOf(amountDue), currency, paymentMethod, lines.data());
    }

    @Override
    public BilledHook onBilled() {
        return ChargesSchema::insertCharge;
    }

    // tag::hook[]
    private static final String INSERT_CHARGE = """
            insert into charges (charge, invoice, customer, amount, currency)
            select {0}, id, customer, amount_due, currency from invoices where id = {1}
            """;

    static void insertCharge(DSLContext transaction, BillingAttempt attempt, String reference) {
        transaction.execute(INSERT_CHARGE, val(reference), val(attempt.invoiceId()));
    }
    // end::hook[]

    @Override
    public String supply(int from, int to) {
        // Beside those that are open: a draft and one that was taken back.
        return """
                insert into invoices (id, customer, status, currency, amount_due, lines)
                select 'in_' || g, 'cus_' || g %% 10, 'open', 'usd', 100 * (g %% 3 + 1), jsonb_build_array(
                    jsonb_build_object('price', 'price_' || g %% 3, 'quantity', g %% 3 + 1, 'unit_amount_decimal', 100.50))
                from generate_series(%1$d, %2$d) g
                union all values
                    ('in_draft_%1$d', 'cus_0', 'draft'::invoice_status, 'usd', 100, '[]'::jsonb),
                    ('in_void_%1$d', 'cus_0', 'void', 'usd', 100, '[]');
                update customers set invoice_settings = jsonb_build_object('default_payment_method', 'pm_' || id || '_%2$d');
                """.formatted(from, to);
    }

    @Override
    public String look() {
        return """
                select i.id, i.status = 'open' as pending, (select min(c.charge) from charges c where c.invoice = i.id) as reference,
                       array(select c.charge from charges c where c.invoice = i.id) as charges
                from invoices i where i.id ~ '^in_[0-9]+$'
                """;
    }
}
