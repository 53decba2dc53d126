package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.process.JavaProcess;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** A million charges, in a process with so little memory that it could not hold them, with a journal that was never analysed. */
@Tag(Thorough.TAG)
class MillionChargesTest {
    private static final int CHARGES = 1_000_000;
    private static final int LOST = 1_000;

    @Test
    void are_reconciled_in_64_megabytes() throws Exception {
        try (TestHost host = new TestHost()) {
            host.sql("alter table invoice_lock.billing_attempt set (autovacuum_enabled = false)");
            host.sql("insert into invoices (id, pending) select g, g > " + (CHARGES - LOST)
                    + " from generate_series(1, " + CHARGES + ") g");
            host.sql(
                    "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, settled_at, reference) "
                            + "select 'invoices', g::text, 1, md5(g::text), 'BILLED', 'x', now(), 'ch_' || g from generate_series(1, "
                            + (CHARGES - LOST) + ") g");
            JavaProcess process = JavaProcess.start(
                    List.of("-Xmx64m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
                    MillionChargesTest.class,
                    host.database().jdbcUrl());

            assertThat(process.awaitLine("COMPARED"))
                    .isEqualTo("Reconciliation{MATCHED=" + (CHARGES - LOST) + ", NOT_RECORDED=" + (LOST - 1)
                            + ", UNKNOWN_KEY=1}");
            assertThat(process.awaitLine("WRITTEN")).isEqualTo(String.valueOf(LOST - 1));
            assertThat(host.count("invoices", "pending")).isEqualTo(1);
            process.close();
        }
    }

    /**
     * The host that reconciles.
     *
     * @param arguments its database
     */
    public static void main(String[] arguments) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(arguments[0]);
        Instant now = Instant.now();
        Stream<ProviderCharge> charges = IntStream.rangeClosed(1, CHARGES).mapToObj(i -> charge(i, now));
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(dataSource, TestProvider.thatRemembers())
                        .build();
                Reconciliation compared =
                        biller.reconcile(charges, now.minus(Duration.ofHours(1)), now.plus(Duration.ofHours(1)))) {
            System.out.println("COMPARED " + compared);
            System.out.println("WRITTEN " + compared.writeBack("ann").charges());
        }
    }

    private static ProviderCharge charge(int i, Instant now) {
        boolean lost = i > CHARGES - LOST;
        return new ProviderCharge(
                lost && i < CHARGES ? null : md5(String.valueOf(i)),
                lost && i < CHARGES ? String.valueOf(i) : null,
                "ch_" + i,
                null,
                now);
    }

    private static String md5(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
