package io.github.invoicelock.examples.campaign;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * A host with little memory, many invoices and a thousand calls at once, whose claims take turns with other hosts'. Bills again and again
 * until it is killed.
 */
final class BulkHost {
    private static final int CALLS_AT_ONCE = 1_000;
    /** More than it may use, so that what is counted is what the library takes. */
    private static final int CONNECTIONS = 16;

    private static final Duration PAUSE = Duration.ofMillis(500);

    private BulkHost() {}

    /**
     * Bills.
     *
     * @param arguments the database, the provider's port
     * @throws IOException if the provider is not there
     */
    public static void main(String[] arguments) throws IOException {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[0]);
        config.setMaximumPoolSize(CONNECTIONS);
        config.setMinimumIdle(0);
        try (HikariDataSource dataSource = new HikariDataSource(config);
                LockingInvoiceBiller biller = LockingInvoiceBiller.builder(
                                dataSource, new Gateway(Integer.parseInt(arguments[1])))
                        .name(BulkCampaign.SCHEMA.biller())
                        .invoices(BulkCampaign.SCHEMA.invoices())
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .lockScope(LockScope.CLAIM_ONLY)
                        .concurrency(CALLS_AT_ONCE)
                        .callTimeout(Duration.ofSeconds(5))
                        .leaseMargin(Duration.ofSeconds(2))
                        .build()) {
            // What a killed host has left behind is taken over beside the long run.
            Thread recovering = new Thread(() -> again(() -> System.out.println("RECOVERED " + biller.recover())));
            recovering.setDaemon(true);
            recovering.start();
            again(() -> System.out.println("RUN " + biller.billPending()));
        }
    }

    private static void again(Runnable work) {
        try {
            while (true) {
                try {
                    work.run();
                } catch (InvoiceLockException e) {
                    // A run that the database has ended is begun again, as any scheduler does.
                    System.out.println("ENDED " + e.getMessage());
                }
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        } catch (Throwable e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /** All calls over one socket. */
    private static final class Gateway implements BillingGateway {
        private final Map<Integer, CompletableFuture<Integer>> waiting = new ConcurrentHashMap<>();
        private final DataInputStream in;
        private final OutputStream out;

        private Gateway(int port) throws IOException {
            // Open until the process ends.
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setTcpNoDelay(true);
            in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
            out = socket.getOutputStream();
            Thread answers = new Thread(() -> again(this::takeAnswer), "answers");
            answers.setDaemon(true);
            answers.start();
        }

        private void again(Runnable work) {
            while (true) {
                work.run();
            }
        }

        private void takeAnswer() {
            try {
                int invoice = in.readInt();
                int charge = in.readInt();
                CompletableFuture<Integer> call = waiting.remove(invoice);
                if (call != null) {
                    call.complete(charge);
                }
            } catch (IOException e) {
                Runtime.getRuntime().halt(1); // the campaign is over
            }
        }

        @Override
        public BillingOutcome bill(BillingRequest request)
                throws IOException, InterruptedException, ExecutionException {
            int invoice = Integer.parseInt(request.invoiceId());
            UUID key = UUID.fromString(request.idempotencyKey());
            CompletableFuture<Integer> answer = new CompletableFuture<>();
            waiting.put(invoice, answer);
            byte[] charge = ByteBuffer.allocate(Integer.BYTES + 2 * Long.BYTES)
                    .putInt(invoice)
                    .putLong(key.getMostSignificantBits())
                    .putLong(key.getLeastSignificantBits())
                    .array();
            synchronized (out) {
                out.write(charge);
            }
            try {
                return BillingOutcome.billed(
                        "ch_" + answer.get(request.timeout().toMillis(), TimeUnit.MILLISECONDS));
            } catch (TimeoutException e) {
                return BillingOutcome.unknown("no answer");
            }
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(23);
        }
    }
}
