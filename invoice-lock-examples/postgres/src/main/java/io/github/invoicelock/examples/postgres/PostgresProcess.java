package io.github.invoicelock.examples.postgres;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL server of our own that may be killed with SIGKILL, started again, followed by a standby and promoted: for what must hold
 * when the database itself dies. From the embedded server's binaries, or from those that are installed. Linux and macOS only.
 */
public final class PostgresProcess implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String BACKUP_LABEL = "backup_label";

    private final Path binaries;
    private final Path data;
    private final int port;
    private final Map<String, String> settings;
    private @Nullable Process process;

    private PostgresProcess(Path binaries, Path data, int port, Map<String, String> settings) {
        this.binaries = binaries;
        this.data = data;
        this.port = port;
        this.settings = settings;
    }

    /**
     * Creates and starts one from the embedded server's binaries.
     *
     * @param settings of the server, e.g. {@code synchronous_commit}
     * @return a server that answers
     * @throws IOException if it does not start
     */
    public static PostgresProcess embedded(Map<String, String> settings) throws IOException {
        Path data = temporary();
        EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .start()
                .close();
        String started = Files.readString(data.resolve("postmaster.opts"));
        Path binaries = Path.of(started.substring(0, started.indexOf(' '))).resolveSibling("");
        return new PostgresProcess(binaries, data, freePort(), settings).started();
    }

    /**
     * Creates and starts one from a directory of installed binaries.
     *
     * @param binaries with {@code initdb} and {@code postgres}
     * @param settings of the server
     * @return a server that answers
     * @throws IOException if it does not start
     */
    public static PostgresProcess installed(Path binaries, Map<String, String> settings) throws IOException {
        Path data = temporary();
        run(asOrdinaryUser(List.of(
                binaries.resolve("initdb").toString(), "-D", data.toString(), "-A", "trust", "-U", "postgres")));
        return new PostgresProcess(binaries, data, freePort(), settings).started();
    }

    /**
     * Where an installed server's tool is.
     *
     * @param tool {@code pg_dump} for example
     * @return the directory that has it and a server; empty if there is none
     */
    public static Optional<Path> installedWith(String tool) {
        try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
            return versions.map(version -> version.resolve("bin"))
                    .filter(bin -> Files.isExecutable(bin.resolve(tool)) && Files.isExecutable(bin.resolve("initdb")))
                    .max((a, b) -> a.toString().compareTo(b.toString()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * Where a database of it is.
     *
     * @param database its name
     * @return a JDBC URL with its user
     */
    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database
                + "?user=postgres&password=postgres&connectTimeout=5";
    }

    /**
     * Its port on loopback; the same after a restart.
     *
     * @return for tools
     */
    public int port() {
        return port;
    }

    /** Ends the server and all of its processes with SIGKILL. */
    public void kill() {
        Process running = process;
        if (running == null) {
            return;
        }
        List<ProcessHandle> all = new ArrayList<>(running.descendants().toList());
        running.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
        running.onExit().join();
        all.forEach(child -> child.onExit().join());
        process = null;
    }

    /**
     * Starts it, or starts it again on what is there, and waits until it answers.
     *
     * @throws IOException if it does not answer
     */
    public void start() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                binaries.resolve("postgres").toString(),
                "-D",
                data.toString(),
                "-p",
                String.valueOf(port),
                "-k",
                data.toString(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off"));
        settings.forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
        process = new ProcessBuilder(asOrdinaryUser(command))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        data.resolve("server.log").toFile()))
                .start();
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!answers()) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new IOException("PostgreSQL does not start: " + Files.readString(data.resolve("server.log")));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    /**
     * Copies this server, while it runs, to a standby that follows it from now on.
     *
     * @return a standby that answers
     * @throws IOException if it does not start
     */
    public PostgresProcess standby() throws IOException {
        Path copy = temporary();
        try (Connection connection = DriverManager.getConnection(jdbcUrl("postgres"));
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_backup_start('standby', true)");
            copyTree(data, copy);
            try (ResultSet stopped = statement.executeQuery("select labelfile from pg_backup_stop(false)")) {
                stopped.next();
                Files.writeString(copy.resolve(BACKUP_LABEL), stopped.getString(1));
            }
            // What was written while it was copied.
            copyTree(data.resolve("pg_wal"), copy.resolve("pg_wal"));
        } catch (SQLException e) {
            throw new IOException("The server could not be copied", e);
        }
        Files.createFile(copy.resolve("standby.signal"));
        Files.writeString(
                copy.resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=" + port + " user=postgres'\n");
        return new PostgresProcess(binaries, copy, freePort(), settings).started();
    }

    /** Stops and removes it. */
    @Override
    public void close() {
        kill();
        remove(data);
    }

    static void remove(Path directory) {
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failed)
                        throws IOException {
                    Files.delete(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new IllegalStateException("Cannot remove " + directory, e);
        }
    }

    private PostgresProcess started() throws IOException {
        start();
        Runtime.getRuntime().addShutdownHook(new Thread(this::kill, "kill-postgres"));
        return this;
    }

    private boolean answers() {
        try (Connection connection = DriverManager.getConnection(jdbcUrl("postgres"))) {
            return connection.isValid(5);
        } catch (SQLException e) {
            // Not yet: it is starting, or recovering.
            return false;
        }
    }

    /** Root may not run a server, nor PgBouncer; in a user namespace of its own it is nobody. */
    static List<String> asOrdinaryUser(List<String> command) {
        if (!"root".equals(System.getProperty("user.name"))) {
            return command;
        }
        List<String> unshared = new ArrayList<>(List.of("unshare", "-U"));
        unshared.addAll(command);
        return unshared;
    }

    private static void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (process.onExit().join().exitValue() != 0) {
            throw new IOException(command + " failed: " + said);
        }
    }

    static Path temporary() throws IOException {
        return temporaryIn(Path.of(System.getProperty("java.io.tmpdir")));
    }

    static Path temporaryIn(Path directory) throws IOException {
        return Files.createTempDirectory(
                directory,
                "invoice-lock-postgres",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void copyTree(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                Path copy = to.resolve(from.relativize(directory).toString());
                if (!Files.isDirectory(copy, LinkOption.NOFOLLOW_LINKS)) {
                    Files.createDirectory(
                            copy, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                boolean ofTheRunningServer = file.getFileName().toString().startsWith("postmaster.")
                        || !attributes.isRegularFile()
                        || file.getFileName().toString().equals("epg-lock");
                if (!ofTheRunningServer) {
                    try {
                        Files.copy(
                                file,
                                to.resolve(from.relativize(file).toString()),
                                StandardCopyOption.REPLACE_EXISTING);
                    } catch (NoSuchFileException e) {
                        // Removed while the copy was made: the log that is copied afterwards says so, too.
                        return FileVisitResult.CONTINUE;
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }
        });
    }
}
