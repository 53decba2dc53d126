package consumer.plain;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * A host on the class path: Flyway makes the journal, three invoices are billed, one of them is refused. Then it lends an empty database of its
 * server to the command that it is given, for a host that has no server.
 */
public final class Host {

    private Host() {}

    /** A provider that charges all but what is too dear. */
    private static final class Provider implements BillingGateway {

        @Override
        public BillingOutcome bill(BillingRequest request) {
            BigDecimal amount = request.invoice().get("amount", BigDecimal.class);
            return amount.compareTo(new BigDecimal(100)) > 0
                    ? BillingOutcome.declined("too_dear", "100 at most")
                    : BillingOutcome.billed("ch_" + request.invoiceId());
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(23);
        }
    }

    /**
     * Fails unless two of three invoices are billed.
     *
     * @param args a command; it gets a JDBC URL as its last argument
     * @throws Exception if anything is not as it should be
     */
    public static void main(String[] args) throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start()) {
            DataSource dataSource = postgres.getPostgresDatabase();
            try (Connection connection = dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("create table invoices (id bigint primary key, pending boolean not null default true,"
                        + " amount numeric(12, 2) not null, reference text)");
                statement.execute("insert into invoices (id, amount) values (1, 10), (2, 20), (3, 300)");
                statement.execute("create index on invoices (id) where pending");
                InvoiceLockSchema.migrate(dataSource);
                try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(dataSource, new Provider())
                        .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                        .build()) {
                    BillingRun run = biller.billPending();
                    check(run.billed() == 2 && run.declined() == 1, "2 billed, 1 declined; it was " + run);
                }
                try (ResultSet row = statement.executeQuery(
                        "select string_agg(reference, ',' order by id) from invoices where not pending")) {
                    row.next();
                    check("ch_1,ch_2".equals(row.getString(1)), "ch_1 and ch_2 marked; it was " + row.getString(1));
                }
                System.out.println("plain: 2 billed, 1 declined, from " + place());
                statement.execute("create database other");
            }
            List<String> command = new ArrayList<>(List.of(args));
            command.add(postgres.getJdbcUrl("postgres", "other"));
            int code = new ProcessBuilder(command).inheritIO().start().waitFor();
            check(code == 0, command + " to end with 0; it was " + code);
        }
    }

    private static String place() {
        return LockingInvoiceBiller.class.getPackage().getImplementationTitle() + " "
                + LockingInvoiceBiller.class.getPackage().getImplementationVersion();
    }

    private static void check(boolean holds, String expected) {
        if (!holds) {
            throw new AssertionError("expected " + expected);
        }
    }
}
