package io.github.invoicelock.examples.postgres;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * One PostgreSQL server, taken where there is one: named by the system property {@value #PROPERTY} or the environment variable
 * {@value #VARIABLE}; else a container, if a Docker engine answers; else an embedded server, as root and not as root. Says on standard
 * output which one it took.
 */
public final class PostgresServer implements AutoCloseable {
    /** Names a server of the user's own: a JDBC URL with user and password of a role that may create databases. */
    public static final String PROPERTY = "invoicelock.jdbcUrl";
    /** The same as an environment variable. */
    public static final String VARIABLE = "INVOICE_LOCK_JDBC_URL";

    /** Puts PgBouncer in transaction mode, with so many connections to the server, in front of every database that is created here. */
    public static final String PGBOUNCER = "invoicelock.pgbouncer";
    /** Names the image of the container, where a Docker engine answers. */
    public static final String IMAGE = "invoicelock.image";

    private static final int MAX_CONNECTIONS = 300;
    private static final int SECONDS_TO_ANSWER = 5;
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final long ENOUGH_MEMORY = 8L << 30;
    private static final Pattern URL = Pattern.compile("(jdbc:postgresql://[^/?]+/)[^?]*(\\?.*)?");

    private final String jdbcUrl;
    private final AutoCloseable server;
    private final @Nullable PgBouncer inFront;
    private final ReentrantLock oneAtATime = new ReentrantLock();
    private @Nullable Connection kept;

    private PostgresServer(String jdbcUrl, AutoCloseable server) {
        this(jdbcUrl, server, null);
    }

    private PostgresServer(String jdbcUrl, AutoCloseable server, @Nullable PgBouncer inFront) {
        this.jdbcUrl = jdbcUrl;
        this.server = server;
        this.inFront = inFront;
    }

    /**
     * Starts, or finds, a server.
     *
     * @return a server that answers
     * @throws IllegalStateException if there is none to be had; the message says what to do
     */
    public static PostgresServer start() {
        PostgresServer started = start(
                System.getProperty(PROPERTY, System.getenv(VARIABLE)),
                () -> DockerClientFactory.instance().isDockerAvailable(),
                PostgresServer::embedded);
        Integer connections = Integer.getInteger(PGBOUNCER);
        return connections == null ? started : started.behindPgBouncer(connections);
    }

    private PostgresServer behindPgBouncer(int connections) {
        try {
            PgBouncer pgBouncer = PgBouncer.inFrontOf(jdbcUrl, connections);
            System.out.printf(Locale.ROOT, "PgBouncer in transaction mode, with %d connections%n", connections);
            return new PostgresServer(
                    jdbcUrl,
                    () -> {
                        pgBouncer.close();
                        close();
                    },
                    pgBouncer);
        } catch (IOException e) {
            close();
            throw new IllegalStateException(e.getMessage() + " (-D" + PGBOUNCER + "=" + connections + ")", e);
        }
    }

    /**
     * The server that all tests of this JVM share; stopped when the JVM ends.
     *
     * @return the same at each call
     */
    public static PostgresServer shared() {
        return Shared.SERVER;
    }

    static PostgresServer start(@Nullable String url, BooleanSupplier docker, Start embedded) {
        if (url != null && !url.isBlank()) {
            return new PostgresServer(url, () -> {}).announced("the one named by " + PROPERTY + " or " + VARIABLE);
        }
        if (docker.getAsBoolean()) {
            return container().announced("a container of " + image());
        }
        try {
            return embedded.start().announced("an embedded server");
        } catch (IOException | RuntimeException e) {
            throw new IllegalStateException(
                    "There is no PostgreSQL to work with: no Docker engine answers, and the embedded server does not start ("
                            + e.getMessage() + "). Start a PostgreSQL 14 or newer and name it: -D" + PROPERTY
                            + "=jdbc:postgresql://localhost/postgres?user=…&password=…, or the same in " + VARIABLE
                            + ".",
                    e);
        }
    }

    /**
     * Where the server's own database is.
     *
     * @return a JDBC URL with user and password
     */
    public String jdbcUrl() {
        return jdbcUrl;
    }

    /**
     * Creates an empty database of its own.
     *
     * @return dropped when it is closed
     */
    public PostgresDatabase createDatabase() {
        return createDatabase(inFront, () -> {});
    }

    /**
     * Creates an empty database of its own that takes so many transactions at once, where a PgBouncer is in front, too: then by one of
     * its own.
     *
     * @param transactions how many stand still at once
     * @return dropped when it is closed
     */
    public PostgresDatabase createDatabase(int transactions) {
        if (inFront == null) {
            return createDatabase();
        }
        try {
            PgBouncer own = PgBouncer.inFrontOf(jdbcUrl, transactions);
            return createDatabase(own, own::close);
        } catch (IOException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    /**
     * Creates an empty database of its own whose text is stored in another encoding, and sorted by its bytes.
     *
     * @param encoding as PostgreSQL names it, {@code LATIN1} for example
     * @return dropped when it is closed
     */
    public PostgresDatabase createDatabase(String encoding) {
        // Only template0 holds nothing in an encoding of its own, and only the locale C fits every encoding.
        return createDatabase(inFront, () -> {}, " template template0 locale 'C' encoding '" + encoding + "'");
    }

    /**
     * Creates a database with all that another contains, which is quicker than to write it again.
     *
     * @param template to which nobody is connected
     * @return dropped when it is closed
     */
    public PostgresDatabase createDatabaseLike(PostgresDatabase template) {
        return createDatabase(inFront, () -> {}, " template " + template.name());
    }

    private PostgresDatabase createDatabase(@Nullable PgBouncer by, Runnable afterwards) {
        return createDatabase(by, afterwards, "");
    }

    private PostgresDatabase createDatabase(@Nullable PgBouncer by, Runnable afterwards, String options) {
        String name = "invoicelock_" + UUID.randomUUID().toString().replace("-", "");
        execute("create database " + name + options);
        String direct = withDatabase(jdbcUrl, name);
        return new PostgresDatabase(name, by == null ? direct : by.jdbcUrl(name), direct, () -> {
            execute("drop database if exists " + name + " with (force)");
            afterwards.run();
        });
    }

    /** Stops the server, if it was started here. */
    @Override
    public void close() {
        try {
            if (kept != null) {
                kept.close();
            }
            server.close();
        } catch (Exception e) {
            throw new IllegalStateException("The PostgreSQL server did not stop", e);
        }
    }

    static String withDatabase(String jdbcUrl, String database) {
        Matcher url = URL.matcher(jdbcUrl);
        if (!url.matches()) {
            throw new IllegalStateException(PROPERTY + " or " + VARIABLE + " is \"" + jdbcUrl
                    + "\"; it must be of the form jdbc:postgresql://host:port/database?user=…&password=…");
        }
        return url.group(1) + database + (url.group(2) == null ? "" : url.group(2));
    }

    private static PostgresServer embedded() throws IOException {
        EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                .setServerConfig("max_connections", String.valueOf(MAX_CONNECTIONS))
                // Its data outlives a killed server, and need not outlive the machine.
                .setServerConfig("fsync", "off")
                .setServerConfig("full_page_writes", "off");
        // A database is three hundred files: in memory they are made in half of the time.
        if (Files.isWritable(MEMORY) && Files.getFileStore(MEMORY).getUsableSpace() >= ENOUGH_MEMORY) {
            builder.setDataDirectory(PostgresProcess.temporaryIn(MEMORY)).setServerConfig("max_wal_size", "256MB");
        }
        EmbeddedPostgres postgres = builder.start();
        return new PostgresServer(postgres.getJdbcUrl("postgres", "postgres") + "&password=postgres", postgres);
    }

    private static String image() {
        return System.getProperty(IMAGE, "postgres:17-alpine");
    }

    private static PostgresServer container() {
        PostgreSQLContainer container =
                new PostgreSQLContainer(image()).withCommand("postgres", "-c", "max_connections=" + MAX_CONNECTIONS);
        container.start();
        String url = container.getJdbcUrl();
        return new PostgresServer(
                url + (url.contains("?") ? "&" : "?") + "user=" + container.getUsername() + "&password="
                        + container.getPassword(),
                container);
    }

    private PostgresServer announced(String what) {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet version = statement.executeQuery("show server_version")) {
            version.next();
            System.out.printf(Locale.ROOT, "PostgreSQL %s: %s%n", version.getString(1), what);
            return this;
        } catch (SQLException e) {
            close();
            throw new IllegalStateException(
                    "PostgreSQL (" + what + ") does not answer: " + e.getMessage()
                            + " Check the URL, user and password in " + PROPERTY + " or " + VARIABLE + ".",
                    e);
        }
    }

    /** Over one connection: a new session costs half as much as a new database. */
    private void execute(String sql) {
        oneAtATime.lock();
        try {
            Connection connection = kept;
            if (connection == null || !connection.isValid(SECONDS_TO_ANSWER)) {
                connection = connect();
                kept = connection;
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException("Cannot " + sql + ": " + e.getMessage(), e);
        } finally {
            oneAtATime.unlock();
        }
    }

    private Connection connect() throws SQLException {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        return dataSource.getConnection();
    }

    /** Starts a server. */
    @FunctionalInterface
    interface Start {
        PostgresServer start() throws IOException;
    }

    private static final class Shared {
        private static final PostgresServer SERVER = PostgresServer.start();

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(SERVER::close, "stop-postgres"));
        }
    }
}
