package io.github.invoicelock.examples.campaign;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A payment provider that answers at once and remembers keys, for more charges a second than HTTP would let through. It lives in the
 * process of the judge, not in those of the hosts, so that its ledger outlives them. A request is an invoice's id (int) and a key (two
 * longs), an answer the id and the number of the charge (ints); answers may come in any order.
 */
final class BulkProvider implements AutoCloseable {
    private final ServerSocket socket;
    private final Map<UUID, Integer> charges = new ConcurrentHashMap<>();
    private final Map<String, String> ledger = new ConcurrentHashMap<>();
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicInteger repeated = new AtomicInteger();

    BulkProvider() throws IOException {
        socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon(this::accept);
    }

    int port() {
        return socket.getLocalPort();
    }

    /** How many charges were made. */
    int charges() {
        return count.get();
    }

    /** How many requests came again, under a key that had been charged. */
    int repeated() {
        return repeated.get();
    }

    /** References of charges by invoice, separated by commas. */
    Map<String, String> ledger() {
        return ledger;
    }

    private void accept() {
        while (true) {
            try {
                Socket host = socket.accept();
                daemon(() -> serve(host));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket host) {
        try (host;
                DataInputStream in = new DataInputStream(new BufferedInputStream(host.getInputStream(), 1 << 16));
                DataOutputStream out =
                        new DataOutputStream(new BufferedOutputStream(host.getOutputStream(), 1 << 16))) {
            host.setTcpNoDelay(true);
            while (true) {
                int invoice = in.readInt();
                int charge = charge(invoice, new UUID(in.readLong(), in.readLong()));
                out.writeInt(invoice);
                out.writeInt(charge);
                if (in.available() == 0) {
                    out.flush();
                }
            }
        } catch (IOException e) {
            // The host was killed; what was charged is charged.
        }
    }

    private int charge(int invoice, UUID key) {
        AtomicInteger made = new AtomicInteger();
        int charge = charges.computeIfAbsent(key, k -> {
            made.set(count.incrementAndGet());
            return made.get();
        });
        if (made.get() == 0) {
            repeated.incrementAndGet();
        } else {
            ledger.merge(String.valueOf(invoice), "ch_" + charge, (before, more) -> before + "," + more);
        }
        return charge;
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "bulk-provider");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
