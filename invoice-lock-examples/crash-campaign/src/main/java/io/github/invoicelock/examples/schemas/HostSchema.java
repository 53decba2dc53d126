package io.github.invoicelock.examples.schemas;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.InvoiceTable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jooq.Record;

/**
 * A host's tables. What a host writes is {@link #invoices}, {@link #charge} in its gateway, and {@link #onBilled} if it has work of its
 * own; the rest is for the campaign, which makes the tables, fills them and judges what has become of them.
 */
public sealed interface HostSchema permits SimpleSchema, ShopSchema, SubscriptionsSchema, ChargesSchema {

    /**
     * What the gateway sends.
     *
     * @param amount as the provider wants it written
     * @param currency of the amount
     * @param paymentMethod the customer's at the time of the claim
     * @param lines what is paid for
     */
    record Charge(String amount, String currency, String paymentMethod, String lines) {}

    /**
     * The biller's name, by which the campaign knows the schema, too.
     *
     * @return unique among them
     */
    String biller();

    /**
     * Describes the table to the library.
     *
     * @return what the biller is given
     */
    InvoiceTable invoices();

    /**
     * What the gateway reads of an invoice.
     *
     * @param invoice from the snapshot
     * @return what it sends
     */
    Charge charge(Record invoice);

    /**
     * The host's own work when an invoice was charged.
     *
     * @return nothing, unless the host has some
     */
    default BilledHook onBilled() {
        return (transaction, attempt, reference) -> {};
    }

    /**
     * Makes the tables, with the index that serves the search, and no pending invoice.
     *
     * @return SQL
     */
    default String ddl() {
        return resource(biller() + ".sql");
    }

    /**
     * More invoices, from a number to a number; and customers who have another payment method by now, with which nothing that is under
     * way may be charged (R4).
     *
     * @param from the first
     * @param to the last
     * @return SQL
     */
    String supply(int from, int to);

    /**
     * How the judge reads the table: {@code id} as text, {@code pending} as boolean, {@code reference} of the charge, and where there is
     * a table of charges, {@code charges}, an array of the references in it; null elsewhere. Every invoice that may be charged.
     *
     * @return a query
     */
    String look();

    /**
     * The schemas that the campaign knows.
     *
     * @return each once
     */
    static List<HostSchema> all() {
        return List.of(new SimpleSchema("simple"), new ShopSchema(), new SubscriptionsSchema(), new ChargesSchema());
    }

    /**
     * One of them.
     *
     * @param name its name; a simple table may have any that begins with {@code simple}
     * @return the schema
     * @throws IllegalArgumentException if there is none of that name
     */
    static HostSchema named(String name) {
        if (name.startsWith("simple")) {
            return new SimpleSchema(name);
        }
        return all().stream()
                .filter(schema -> schema.biller().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("There is no schema " + name + ". It must be one of "
                        + all().stream().map(HostSchema::biller).collect(Collectors.joining(", ")) + "."));
    }

    /** A file beside this class. */
    private static String resource(String file) {
        try (InputStream in = java.util.Objects.requireNonNull(HostSchema.class.getResourceAsStream(file), file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
