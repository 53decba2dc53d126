package io.github.invoicelock.examples.stripe.demo;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The host's tables and the journal, as the demonstration fills and reads them. */
final class Tables {
    private final PostgresDatabase database;

    Tables(PostgresDatabase database) {
        this.database = database;
    }

    /** A customer with invoices; the servers see them when what is to be prepared is. */
    List<String> insert(String stripeCustomer, String paymentMethod, int invoices, Consumer<List<String>> prepare)
            throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            List<String> customer = strings(
                    connection,
                    "insert into customers (stripe_customer, payment_method) values (?, ?) returning id::text",
                    stripeCustomer,
                    paymentMethod);
            List<String> ids = strings(
                    connection,
                    "insert into invoices (customer_id, amount_cents) select ?::bigint, 990 + g from generate_series(1, ?::int) g "
                            + "returning id::text",
                    customer.get(0),
                    String.valueOf(invoices));
            prepare.accept(ids);
            connection.commit();
            return ids;
        }
    }

    void changePaymentMethod(String invoice, String paymentMethod) throws SQLException {
        strings(
                "update customers set payment_method = ? where id = (select customer_id from invoices where id = ?::bigint) "
                        + "returning id::text",
                paymentMethod,
                invoice);
    }

    /** The states of an invoice's attempts, oldest first. */
    List<String> states(String invoice) throws SQLException {
        return strings("select state from invoice_lock.billing_attempt where invoice_id = ? order by number", invoice);
    }

    List<String> pending() throws SQLException {
        return strings("select id::text from invoices where pending order by id");
    }

    /** What waits for a person. */
    List<String> parked() throws SQLException {
        return strings("select invoice_id from invoice_lock.billing_attempt where cause is not null");
    }

    List<String> billed() throws SQLException {
        return strings("select invoice_id from invoice_lock.billing_attempt where state = 'BILLED'");
    }

    int calls(String invoice) throws SQLException {
        return Integer.parseInt(strings(
                        "select coalesce(sum(calls), 0)::text from invoice_lock.billing_attempt where invoice_id = ?",
                        invoice)
                .get(0));
    }

    private List<String> strings(String sql, String... parameters) throws SQLException {
        try (Connection connection = database.dataSource().getConnection()) {
            return strings(connection, sql, parameters);
        }
    }

    private static List<String> strings(Connection connection, String sql, String... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setString(i + 1, parameters[i]);
            }
            List<String> found = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.add(rows.getString(1));
                }
            }
            return found;
        }
    }
}
