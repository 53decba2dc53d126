package io.github.invoicelock.examples.postgres;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A real PgBouncer in transaction mode in front of a server, on a port of its own on loopback: a connection of a client's is a server's
 * connection only from the beginning of a transaction to its end. Where the program is installed; as root and not as root.
 */
public final class PgBouncer implements AutoCloseable {
    /** The password of every role that is not the server's own: PgBouncer knows no other. */
    public static final String PASSWORD_OF_ROLES = "secret";

    private static final long PATIENCE_SECONDS = 30;

    private final Path directory;
    private final int port;
    private final String server;
    private final Process process;

    private PgBouncer(Path directory, int port, String server, Process process) {
        this.directory = directory;
        this.port = port;
        this.server = server;
        this.process = process;
    }

    /**
     * Where the program is.
     *
     * @return empty where it is not installed
     */
    public static Optional<Path> program() {
        // Debian puts it where only root looks.
        return Stream.concat(
                        Stream.of(System.getenv("PATH").split(java.io.File.pathSeparator)),
                        Stream.of("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"))
                .map(directory -> Path.of(directory, "pgbouncer"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /**
     * Starts one.
     *
     * @param server a JDBC URL with the user and password of a superuser
     * @param connections to the server, for each database and user
     * @return one that answers
     * @throws IOException if it is not installed, or does not start
     */
    public static PgBouncer inFrontOf(String server, int connections) throws IOException {
        Path program = program().orElseThrow(() -> new IOException("pgbouncer is not installed"));
        PGSimpleDataSource url = new PGSimpleDataSource();
        url.setUrl(server);
        int port = PostgresProcess.freePort();
        Path directory = PostgresProcess.temporary();
        Path users = directory.resolve("users.txt");
        Files.writeString(users, "\"" + url.getUser() + "\" \"" + url.getPassword() + "\"\n");
        Path settings = Files.writeString(directory.resolve("pgbouncer.ini"), """
                [databases]
                * = host=%s port=%d
                [pgbouncer]
                pool_mode = transaction
                default_pool_size = %d
                max_client_conn = 1000
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = trust
                auth_file = %s
                auth_user = %s
                auth_query = select usename, '%s' from pg_catalog.pg_shadow where usename = $1
                ignore_startup_parameters = extra_float_digits
                """.formatted(
                        url.getServerNames()[0],
                        url.getPortNumbers()[0],
                        connections,
                        port,
                        users,
                        url.getUser(),
                        PASSWORD_OF_ROLES));
        Path log = directory.resolve("pgbouncer.log");
        Process process = new ProcessBuilder(
                        PostgresProcess.asOrdinaryUser(List.of(program.toString(), settings.toString())))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly, "kill-pgbouncer"));
        PgBouncer started = new PgBouncer(directory, port, server, process);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!started.answers()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                String said = Files.readString(log, StandardCharsets.UTF_8);
                started.close();
                throw new IOException("PgBouncer does not start: " + said);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
        return started;
    }

    /**
     * Where a database of the server is, through this.
     *
     * @param database its name
     * @return a JDBC URL with user and password, and without prepared statements of the server: PgBouncer before 1.21 does not know them
     */
    public String jdbcUrl(String database) {
        return through(PostgresServer.withDatabase(server, database));
    }

    private String through(String url) {
        String here = url.replaceFirst("//[^/]+/", "//127.0.0.1:" + port + "/");
        return here + (here.contains("?") ? "&" : "?") + "prepareThreshold=0";
    }

    private boolean answers() {
        try (Connection connection = DriverManager.getConnection(through(server))) {
            return connection.isValid(5);
        } catch (SQLException e) {
            // Not yet: it is starting.
            return false;
        }
    }

    /** Ends it, and removes what it wrote. */
    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
        PostgresProcess.remove(directory);
    }
}
