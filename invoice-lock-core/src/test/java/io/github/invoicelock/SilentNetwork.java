package io.github.invoicelock;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network between a host and PostgreSQL that can fall silent, as it does when the primary vanishes or a firewall forgets its
 * connections: packets are swallowed in both directions, and nobody is told. Connections that were there stay silent for good, without a
 * reset; none can be made meanwhile; those that are made after {@link #restore()} work.
 */
final class SilentNetwork implements AutoCloseable {
    private static final Pattern URL = Pattern.compile("jdbc:postgresql://([^:/?]+)(?::(\\d+))?(/.*)");

    private static final int BACKLOG = 4;
    /** A connection over the loopback is there at once, or its first packet was dropped. */
    private static final int MILLIS_TO_CONNECT = 200;

    private final String host;
    private final int port;
    private final String path;
    private final ServerSocket entrance;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    /** What fills the entrance's queue: the kernel then drops the first packet of a new connection. */
    private final List<Socket> queue = new CopyOnWriteArrayList<>();

    private final Object change = new Object();
    private volatile boolean silent;
    private volatile boolean accepting = true;

    private SilentNetwork(String host, int port, String path) throws IOException {
        this.host = host;
        this.port = port;
        this.path = path;
        this.entrance = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
        start("silent-network", this::accept);
    }

    /** In front of the database that a JDBC URL names. */
    static SilentNetwork inFrontOf(String jdbcUrl) {
        Matcher url = URL.matcher(jdbcUrl);
        if (!url.matches()) {
            throw new IllegalArgumentException(jdbcUrl);
        }
        try {
            return new SilentNetwork(
                    url.group(1), url.group(2) == null ? 5432 : Integer.parseInt(url.group(2)), url.group(3));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same database, by way of this network. */
    String jdbcUrl() {
        return "jdbc:postgresql://" + entrance.getInetAddress().getHostAddress() + ":" + entrance.getLocalPort() + path;
    }

    /** From now on nothing arrives any more, on either side: not the first packet of a new connection either. */
    synchronized void swallow() {
        accepting = false;
        swallowBehindTheProxy();
        try {
            while (true) {
                Socket waiting = new Socket();
                queue.add(waiting);
                waiting.connect(entrance.getLocalSocketAddress(), MILLIS_TO_CONNECT);
            }
        } catch (SocketTimeoutException full) {
            // As it should be: what comes from now on is swallowed.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same behind a proxy or a load balancer, which accepts connections for a server that is gone: they stay silent for good, too. */
    synchronized void swallowBehindTheProxy() {
        silent = true;
        links.forEach(Link::fallSilent);
    }

    /** New connections work again. */
    synchronized void restore() {
        silent = false;
        queue.forEach(SilentNetwork::close);
        queue.clear();
        synchronized (change) {
            accepting = true;
            change.notifyAll();
        }
    }

    private void accept() {
        while (!entrance.isClosed()) {
            try {
                Link link = new Link(entrance.accept());
                links.add(link);
                if (silent) {
                    link.fallSilent();
                }
                start("silent-network-link", link::open);
                awaitAccepting();
            } catch (IOException e) {
                if (!entrance.isClosed()) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    private void awaitAccepting() {
        synchronized (change) {
            while (!accepting) {
                try {
                    change.wait();
                } catch (InterruptedException e) {
                    throw new AssertionError("Nobody interrupts this thread", e);
                }
            }
        }
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        close(entrance);
        restore();
        links.forEach(Link::close);
    }

    private static void close(Closeable socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One connection: two sockets, and a thread for each direction. */
    private final class Link {
        private final Socket client;
        private final Socket server = new Socket();
        private volatile boolean forgotten;

        private Link(Socket client) {
            this.client = client;
        }

        private void fallSilent() {
            forgotten = true;
        }

        private void open() {
            try {
                if (!forgotten) {
                    server.connect(new InetSocketAddress(host, port));
                    client.setTcpNoDelay(true);
                    server.setTcpNoDelay(true);
                    start("silent-network-answers", () -> pass(server, client));
                }
                pass(client, server);
            } catch (IOException e) {
                close();
            }
        }

        private void pass(Socket from, Socket to) {
            byte[] packet = new byte[8192];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = forgotten ? OutputStream.nullOutputStream() : to.getOutputStream();
                for (int length = in.read(packet); length >= 0; length = in.read(packet)) {
                    if (!forgotten) {
                        out.write(packet, 0, length);
                    }
                }
            } catch (IOException e) {
                // One side has gone: what that means to the other is told below.
            }
            if (!forgotten) {
                close();
            }
        }

        private void close() {
            List.of(client, server).forEach(SilentNetwork::close);
            links.remove(this);
        }
    }
}
