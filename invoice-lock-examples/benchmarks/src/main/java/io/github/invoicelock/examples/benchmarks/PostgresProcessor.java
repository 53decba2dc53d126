package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The processor time of a PostgreSQL on this machine, as Linux counts it: the postmaster's and that of all of its processes. */
final class PostgresProcessor {
    private static final Path PROC = Path.of("/proc");
    /** Linux tells times to programs in this unit on every machine that a JVM runs on. */
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    /** Fields of {@code stat} behind the name, the first of which is the third of proc(5). */
    private static final int PARENT = 1;

    private static final int USER = 11;
    private static final int SYSTEM = 12;
    private static final int ENDED_USER = 13;
    private static final int ENDED_SYSTEM = 14;

    private final long postmaster;

    private PostgresProcessor(long postmaster) {
        this.postmaster = postmaster;
    }

    /** That of a server, if it is one of this machine's that can be seen. */
    static Optional<PostgresProcessor> of(PostgresServer postgres) throws SQLException, IOException {
        try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select pg_backend_pid()")) {
            row.next();
            Path session = PROC.resolve(row.getString(1));
            // Another machine's, or another container's, may be the number of any process here.
            return Files.exists(session)
                            && Files.readString(session.resolve("cmdline")).startsWith("postgres:")
                    ? Optional.of(new PostgresProcessor(Long.parseLong(stat(session)[PARENT])))
                    : Optional.empty();
        }
    }

    /** All of it since the server began. */
    long nanos() throws IOException {
        Path server = PROC.resolve(String.valueOf(postmaster));
        String[] stat = stat(server);
        long nanos = own(server, stat)
                + (Long.parseLong(stat[ENDED_USER]) + Long.parseLong(stat[ENDED_SYSTEM])) * TICK_NANOS;
        for (ProcessHandle child :
                ProcessHandle.of(postmaster).orElseThrow().children().toList()) {
            nanos += ofChild(PROC.resolve(String.valueOf(child.pid())));
        }
        return nanos;
    }

    private static long ofChild(Path child) throws IOException {
        try {
            return own(child, stat(child));
        } catch (IOException e) {
            if (Files.exists(child)) {
                throw e;
            }
            // It has ended meanwhile.
            return 0;
        }
    }

    /** To the nanosecond where the kernel counts so: with twenty sessions, a tick that each has not quite filled would be much. */
    private static long own(Path process, String[] stat) throws IOException {
        Path exact = process.resolve("schedstat");
        long nanos =
                Files.exists(exact) ? Long.parseLong(Files.readString(exact).split(" ", -1)[0]) : 0;
        return nanos > 0 ? nanos : (Long.parseLong(stat[USER]) + Long.parseLong(stat[SYSTEM])) * TICK_NANOS;
    }

    private static String[] stat(Path process) throws IOException {
        String stat = Files.readString(process.resolve("stat"));
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    }
}
