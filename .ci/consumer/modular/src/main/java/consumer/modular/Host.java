package consumer.modular;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import org.jooq.Record;
import org.postgresql.ds.PGSimpleDataSource;

/** A host on the module path: no Flyway, so it runs the journal's SQL itself; the library's optional rooms lack what they are for. */
public final class Host {

    private Host() {}

    private static final class Provider implements BillingGateway {

        @Override
        public BillingOutcome bill(BillingRequest request) {
            Record invoice = request.invoice(); // jOOQ's types are in the API
            return BillingOutcome.billed("ch_" + invoice.get("id"));
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(23);
        }
    }

    /**
     * Fails unless all invoices are billed, by modules.
     *
     * @param args the JDBC URL of an empty database
     * @throws Exception if anything is not as it should be
     */
    public static void main(String[] args) throws Exception {
        Module library = LockingInvoiceBiller.class.getModule();
        check(Host.class.getModule().isNamed() && "io.github.invoicelock".equals(library.getName()), "modules", library);
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(args[0]);
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create table invoices (id bigint primary key, pending boolean not null default true)");
            statement.execute("create index on invoices (id) where pending");
            statement.execute("insert into invoices (id) select generate_series(1, 20)");
            statement.execute("create schema invoice_lock");
            statement.execute("set search_path to invoice_lock");
            statement.execute(journal());
        }
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(dataSource, new Provider())
                .invoices(InvoiceTable.named("invoices"))
                .lockStrategy(LockStrategy.SKIP_LOCKED)
                .lockScope(LockScope.CLAIM_ONLY)
                .build()) {
            BillingRun run = biller.billPending();
            check(run.billed() == 20, "20 billed", run);
        }
        System.out.println("modular: 20 billed, by " + Host.class.getModule() + " and " + library);
    }

    private static String journal() throws java.io.IOException {
        try (InputStream sql = Objects.requireNonNull(
                LockingInvoiceBiller.class.getResourceAsStream("journal/V1__journal.psql"))) {
            return new String(sql.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void check(boolean holds, String expected, Object was) {
        if (!holds) {
            throw new AssertionError("expected " + expected + "; it was " + was);
        }
    }
}
