package io.github.invoicelock;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network between a host and PostgreSQL that can fall silent, as it does when the primary vanishes or a firewall forgets its
 * connections: packets are swallowed in both directions, and nobody is told. Connections that were there, or were opened meanwhile, stay
 * silent for good, without a reset; those that are opened after {@link #restore()} work.
 */
final class SilentNetwork implements AutoCloseable {
    private static final Pattern URL = Pattern.compile("jdbc:postgresql://([^:/?]+)(?::(\\d+))?(/.*)");

    private final String host;
    private final int port;
    private final String path;
    private final ServerSocket entrance;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private volatile boolean silent;

    private SilentNetwork(String host, int port, String path) throws IOException {
        this.host = host;
        this.port = port;
        this.path = path;
        this.entrance = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
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

    /** From now on nothing arrives any more, on either side. */
    void swallow() {
        silent = true;
        links.forEach(Link::fallSilent);
    }

    /** New connections work again. */
    void restore() {
        silent = false;
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
            } catch (IOException e) {
                if (!entrance.isClosed()) {
                    throw new UncheckedIOException(e);
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
                    server.connect(new java.net.InetSocketAddress(host, port));
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
