package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Puts a server so far away: a port on loopback whose bytes are each delivered half a round trip after they came, in both directions. Each
 * is as late as every other, so that one queue has all of them in the order in which they are due, and those that follow one another at
 * once also arrive so. A thread reads, another delivers.
 */
final class Distance implements AutoCloseable {
    private static final int CONNECTIONS = 600;
    /** Far more than any contender has under way; a reader that waits here only makes the network slower. */
    private static final int UNDER_WAY = 65_536;

    private static final int READ_AT_ONCE = 256 * 1024;
    /** A thread that is to wake at a time wakes a little later. The rest is waited for with open eyes, by one thread for all connections. */
    private static final long AWAKE_NANOS = TimeUnit.MICROSECONDS.toNanos(40);

    private static final int ROUND_TRIPS = 500;

    private final InetSocketAddress server;
    private final long delayNanos;
    private final Selector selector;
    private final ServerSocketChannel door;
    private final BlockingQueue<Parcel> underWay = new LinkedBlockingQueue<>(UNDER_WAY);
    private final Thread reader = new Thread(this::read, "distance-reader");
    private final Thread carrier = new Thread(this::deliver, "distance-carrier");

    /** Bytes for the other end, or its end if there are none. */
    private record Parcel(long due, ByteBuffer bytes, SocketChannel to) {}

    private Distance(InetSocketAddress server, long delayNanos) throws IOException {
        this.server = server;
        this.delayNanos = delayNanos;
        selector = Selector.open();
        door = ServerSocketChannel.open();
        door.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), CONNECTIONS);
        door.configureBlocking(false);
        door.register(selector, SelectionKey.OP_ACCEPT);
    }

    /** Opens the port. */
    static Distance to(PostgresServer postgres, int roundTripMicros) throws IOException {
        URI url = URI.create(postgres.jdbcUrl().substring("jdbc:".length()));
        int port = url.getPort() < 0 ? 5432 : url.getPort();
        Distance distance = new Distance(
                new InetSocketAddress(url.getHost(), port), TimeUnit.MICROSECONDS.toNanos(roundTripMicros) / 2);
        List.of(distance.reader, distance.carrier).forEach(thread -> {
            thread.setDaemon(true);
            thread.start();
        });
        return distance;
    }

    /** Where a database of the server is from so far away. */
    String jdbcUrl(String near) throws IOException {
        InetSocketAddress here = (InetSocketAddress) door.getLocalAddress();
        return near.replaceFirst("//[^/]+/", "//" + here.getAddress().getHostAddress() + ":" + here.getPort() + "/");
    }

    /** The median of what the least of statements takes, in microseconds. */
    static double roundTripMicros(String jdbcUrl) throws SQLException {
        List<Double> times = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                PreparedStatement statement = connection.prepareStatement("select 1")) {
            for (int i = 0; i < 2 * ROUND_TRIPS; i++) {
                long start = System.nanoTime();
                statement.executeQuery().close();
                if (i >= ROUND_TRIPS) {
                    times.add((System.nanoTime() - start) / (double) TimeUnit.MICROSECONDS.toNanos(1));
                }
            }
        }
        return Result.median(times);
    }

    private void read() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(READ_AT_ONCE);
        try {
            while (selector.isOpen()) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.channel() == door) {
                        connect();
                    } else {
                        read(key, buffer);
                    }
                }
                selector.selectedKeys().clear();
            }
        } catch (ClosedSelectorException e) {
            // This was closed.
            return;
        } catch (IOException e) {
            throw new IllegalStateException("The network failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void connect() throws IOException {
        SocketChannel near = door.accept();
        SocketChannel far = SocketChannel.open(server);
        join(near, far);
        join(far, near);
    }

    private void join(SocketChannel from, SocketChannel to) throws IOException {
        from.configureBlocking(false);
        from.setOption(StandardSocketOptions.TCP_NODELAY, true);
        from.register(selector, SelectionKey.OP_READ, to);
    }

    private void read(SelectionKey key, ByteBuffer buffer) throws InterruptedException, IOException {
        SocketChannel from = (SocketChannel) key.channel();
        int read;
        try {
            read = from.read(buffer.clear());
        } catch (IOException e) {
            // Its end is told to the other end, as one in order is.
            read = -1;
        }
        long due = System.nanoTime() + delayNanos;
        buffer.flip();
        ByteBuffer bytes = ByteBuffer.allocate(buffer.remaining()).put(buffer).flip();
        underWay.put(new Parcel(due, bytes, (SocketChannel) key.attachment()));
        if (read < 0) {
            from.close();
        }
    }

    private void deliver() {
        long awakeNanos = wakesSharply() ? AWAKE_NANOS : 2 * AWAKE_NANOS;
        try {
            while (selector.isOpen()) {
                Parcel next = underWay.take();
                long left = next.due - System.nanoTime();
                while (left > 0) {
                    if (left > awakeNanos) {
                        LockSupport.parkNanos(left - awakeNanos);
                    } else {
                        Thread.onSpinWait();
                    }
                    left = next.due - System.nanoTime();
                }
                deliver(next);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void deliver(Parcel parcel) {
        try {
            if (!parcel.bytes.hasRemaining()) {
                parcel.to.close();
            }
            while (parcel.bytes.hasRemaining()) {
                // Who does not read holds up the others, too: all read at once, or are gone.
                parcel.to.write(parcel.bytes);
            }
        } catch (ClosedChannelException e) {
            // It has hung up meanwhile.
            return;
        } catch (IOException e) {
            close(parcel.to);
        }
    }

    private static void close(SocketChannel broken) {
        try {
            broken.close();
        } catch (IOException e) {
            throw new IllegalStateException("A connection that broke cannot be closed", e);
        }
    }

    /** Linux lets a thread sleep for 50 µs more than it asked for, unless it says otherwise; elsewhere nothing is to be said. */
    private static boolean wakesSharply() {
        try {
            Path thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName();
            Files.writeString(Path.of("/proc", String.valueOf(thread), "timerslack_ns"), "1");
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        for (SelectionKey key : List.copyOf(selector.keys())) {
            key.channel().close();
        }
        selector.close();
        reader.interrupt();
        carrier.interrupt();
    }
}
