package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.FaultCell.Fault;
import io.github.invoicelock.FaultCell.Point;
import io.github.invoicelock.FaultCell.Situation;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Every point at the two doors, to the database and to the provider × every situation that passes it × {process halted, process stopped
 * beyond its lease, connections cut} × every strategy × both scopes × every kind of provider. The faults strike a process of its own, which
 * runs what hosts run; a second server finishes; the provider's ledger judges.
 */
@Tag(Thorough.SAMPLED)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FaultMatrixTest {
    /** How many groups of 24 cells stand still at once: each cell may hold a connection. */
    private static final int STALLED_AT_ONCE = 4;
    /** How many of them one process takes with it, of two that run at once: to start one costs more than its cells. */
    private static final int HALTED_AT_ONCE = 2;
    /** As many as these hold, and those that finish meanwhile. */
    private static final int TRANSACTIONS = 24 * STALLED_AT_ONCE + 40;

    /** What became of a cell: '1' billed once; 'p' billed once or parked, never repeated; '·' the point is not on its way. */
    private final Map<String, Character> verdicts = new ConcurrentHashMap<>();

    private final List<Group> groups = Thorough.orOneIn(48, "FaultMatrixTest", Group.all());
    private final Set<String> reached = ConcurrentHashMap.newKeySet();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private PostgresDatabase database = PostgresServer.shared().createDatabase(TRANSACTIONS);
    private HikariDataSource pool = new HikariDataSource();
    private HttpLedger ledger = new HttpLedger();

    @BeforeEach
    void open() {
        database = PostgresServer.shared().createDatabase(TRANSACTIONS);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setMaximumPoolSize(16);
        config.setConnectionTimeout(60_000);
        pool = new HikariDataSource(config);
        InvoiceLockSchema.migrate(database.directDataSource());
    }

    @AfterEach
    void close() {
        pool.close();
        database.close();
    }

    private record Group(Situation situation, Point point) {
        static List<Group> all() {
            List<Group> all = new ArrayList<>();
            for (Situation situation : Situation.values()) {
                situation.points.forEach(point -> all.add(new Group(situation, point)));
            }
            return all;
        }

        String argument() {
            return situation + ":" + point;
        }
    }

    @Test
    @Order(1)
    void halted() throws Exception {
        ExecutorService two = Executors.newFixedThreadPool(2);
        List<Future<?>> halted = new ArrayList<>();
        for (int i = 0; i < groups.size(); i += HALTED_AT_ONCE) {
            List<Group> together = groups.subList(i, Math.min(groups.size(), i + HALTED_AT_ONCE));
            halted.add(two.submit(() -> {
                List<FaultCell> cells = cells(together, Fault.HALT);
                cells.forEach(this::prepare);
                try (Struck server = new Struck(Fault.HALT, together)) {
                    server.awaitLine("ARRIVED");
                    assertThat(server.exitValue()).isEqualTo(137);
                }
                letTimePass(cells);
                finish(cells);
                return null;
            }));
        }
        for (Future<?> group : halted) {
            group.get(5, TimeUnit.MINUTES);
        }
        two.shutdown();
        show(Fault.HALT);
    }

    @Test
    @Order(2)
    void stalled_beyond_the_lease() throws Exception {
        for (int i = 0; i < groups.size(); i += STALLED_AT_ONCE) {
            List<Group> together = groups.subList(i, Math.min(groups.size(), i + STALLED_AT_ONCE));
            List<FaultCell> cells = cells(together, Fault.STALL);
            cells.forEach(this::prepare);
            try (Struck server = new Struck(Fault.STALL, together)) {
                server.awaitLine("ARRIVED");
                server.signal("STOP");
                finish(cells);
                server.signal("CONT");
                server.goOn();
                server.awaitLine("DONE");
            }
            finish(cells);
        }
        show(Fault.STALL);
    }

    @Test
    @Order(3)
    void connections_cut() throws Exception {
        WithoutPgBouncer.because("it lends a connection to whoever comes next, so that no cell's can be cut alone");
        List<FaultCell> cells = cells(groups, Fault.CUT);
        cells.forEach(this::prepare);
        try (Struck server = new Struck(Fault.CUT, groups)) {
            server.awaitLine("DONE");
        }
        letTimePass(cells);
        finish(cells);
        show(Fault.CUT);
    }

    // ---- the table

    private static List<FaultCell> cells(List<Group> groups, Fault fault) {
        return groups.stream()
                .flatMap(group -> FaultCell.group(group.situation(), group.point(), fault).stream())
                .toList();
    }

    private void show(Fault fault) {
        List<String> unexpected = new ArrayList<>();
        Set<String> tables = new HashSet<>();
        StringBuilder table = new StringBuilder(String.format(
                Locale.ROOT,
                "%n%s: each column is through-call/claim-only; providers that remember keys, can be asked, both, neither.%n"
                        + "1 billed once, p billed once or parked, · not on its way%n%-42s %-11s %-11s %-11s%n",
                fault,
                "",
                LockStrategy.NOWAIT,
                LockStrategy.SKIP_LOCKED,
                LockStrategy.WAIT));
        for (Group group : groups) {
            StringBuilder row = new StringBuilder(
                    String.format(Locale.ROOT, "%-42s", group.point() + " (" + group.situation() + ")"));
            for (FaultCell cell : FaultCell.group(group.situation(), group.point(), fault)) {
                tables.add(cell.table());
                if (cell.provider() == ProviderKind.REMEMBERS) {
                    row.append(cell.scope() == LockScope.THROUGH_CALL ? "   " : "/");
                }
                boolean struck = reached.contains(cell.name());
                row.append(struck ? verdicts.getOrDefault(cell.name(), '?') : '·');
                if (struck != cell.passes()) {
                    unexpected.add((struck ? "struck: " : "not struck: ") + cell.name());
                }
            }
            table.append(row).append(System.lineSeparator());
        }
        table.append(String.format(
                Locale.ROOT,
                "%d cells, %d of them struck%n",
                tables.size(),
                verdicts.keySet().stream()
                        .filter(cell -> cell.contains("-" + fault.name().toLowerCase(Locale.ROOT) + "-"))
                        .filter(reached::contains)
                        .count()));
        System.out.println(table);
        assertThat(tables).as("each cell has a table of its own").hasSize(groups.size() * 24);
        assertThat(unexpected).isEmpty();
    }

    // ---- a cell

    private void prepare(FaultCell cell) {
        String table = cell.table();
        sql("create table " + table + " (id bigint primary key, pending boolean not null default true, charge text)");
        sql("create index on " + table + " (id) where pending");
        sql("insert into " + table + " (id) values (1), (2)");
        if (cell.situation() == Situation.FRESH) {
            return;
        }
        boolean charged = cell.situation() != Situation.LEFT_UNCHARGED;
        boolean billed = cell.situation() == Situation.TO_BE_MARKED;
        if (charged) {
            FaultCell.INVOICES.forEach(id -> ledger.charge(table, id, table + "-" + id));
        }
        sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, due_at, lease_until, owner, "
                        + "started_at, settled_at, reference, invoice) select '" + cell.name() + "', id::text, 1, '"
                        + table
                        + "-' || id, '"
                        + (billed ? "BILLED" : "STARTED")
                        + "', now() - interval '60 s', now() - interval '60 s', 'dead', now() - interval '90 s', "
                        + (billed
                                ? "now() - interval '61 s', case id when 1 then '" + reference(table, "1") + "' else '"
                                        + reference(table, "2") + "' end"
                                : "null, null")
                        + ", to_jsonb(i.*) from " + table + " i");
    }

    private String reference(String account, String invoiceId) {
        return ledger.chargesOf(account, invoiceId).get(0);
    }

    /** The struck server is gone for good: whatever it had set a time for is over. */
    private void letTimePass(List<FaultCell> cells) {
        try (Connection connection = pool.getConnection();
                PreparedStatement update = connection.prepareStatement(
                        "update invoice_lock.billing_attempt set due_at = due_at - interval '60 s', lease_until = lease_until - interval '60 s', "
                                + "started_at = started_at - interval '60 s' where biller = any(?)")) {
            update.setArray(
                    1,
                    connection.createArrayOf(
                            "text", cells.stream().map(FaultCell::name).toArray()));
            update.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A second server does what there is to do; then the ledger is compared with the table. */
    private void finish(List<FaultCell> cells) throws Exception {
        ExecutorService servers = Executors.newFixedThreadPool(6);
        List<Future<?>> finished = new ArrayList<>();
        for (FaultCell cell : cells) {
            finished.add(servers.submit(() -> {
                try (LockingInvoiceBiller second =
                        cell.server(pool, client, ledger.address()).build()) {
                    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
                    do {
                        second.billPending();
                    } while (somethingLeft(cell) && System.nanoTime() < end);
                }
                judge(cell);
                return null;
            }));
        }
        for (Future<?> each : finished) {
            each.get(5, TimeUnit.MINUTES);
        }
        servers.shutdown();
    }

    private boolean somethingLeft(FaultCell cell) {
        return one("select exists (select from invoice_lock.billing_attempt where biller = '" + cell.name()
                        + "' and due_at is not null) or exists (select from " + cell.table()
                        + " i where pending and not exists (select from invoice_lock.billing_attempt where biller = '"
                        + cell.name() + "' and invoice_id = i.id::text))")
                .equals("t");
    }

    private void judge(FaultCell cell) {
        boolean parked = false;
        for (String id : FaultCell.INVOICES) {
            String what = cell.name() + " invoice " + id;
            List<String> charges = ledger.chargesOf(cell.table(), id);
            String journaled = one("select string_agg(state || ' ' || coalesce(reference, ''), ', ' order by number) "
                    + "from invoice_lock.billing_attempt where biller = '" + cell.name() + "' and invoice_id = '" + id
                    + "'");
            boolean pending = one("select pending from " + cell.table() + " where id = " + id)
                    .equals("t");
            assertThat(charges)
                    .as("%s: never charged twice (%s)", what, journaled)
                    .hasSizeLessThan(2);
            if (journaled.startsWith("BILLED")) {
                assertThat(charges).as("%s: what is recorded was charged", what).hasSize(1);
                assertThat(journaled).as(what).isEqualTo("BILLED " + charges.get(0));
                assertThat(pending).as("%s is marked", what).isFalse();
            } else {
                assertThat(cell.provider())
                        .as("%s: only where nothing can be found out it is parked, not %s", what, journaled)
                        .isEqualTo(ProviderKind.NEITHER);
                assertThat(journaled).as(what).isEqualTo("IN_DOUBT ");
                assertThat(one("select count(*) from invoice_lock.needs_attention where biller = '" + cell.name()
                                + "' and invoice_id = '" + id + "'"))
                        .as("%s is shown to a person", what)
                        .isEqualTo("1");
                parked = true;
            }
        }
        verdicts.put(cell.name(), parked ? 'p' : '1');
    }

    private void sql(String sql) {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private String one(String sql) {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return String.valueOf(row.getString(1));
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    // ---- the process that is struck

    private final class Struck implements AutoCloseable {
        private final Process process;
        private final BufferedReader said;
        private final Map<String, String> all = new TreeMap<>();

        Struck(Fault fault, List<Group> groups) throws IOException {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
                    "-Dorg.jooq.no-logo=true",
                    "-Dorg.jooq.no-tips=true",
                    "-cp",
                    System.getProperty("java.class.path"),
                    FaultServer.class.getName(),
                    database.jdbcUrl(),
                    ledger.address().toString(),
                    fault.name()));
            groups.forEach(group -> command.add(group.argument()));
            process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        }

        void awaitLine(String expected) throws IOException {
            String line = said.readLine();
            while (line != null && !line.equals(expected)) {
                int space = line.indexOf(' ');
                if (line.startsWith("REACHED")) {
                    reached.add(line.substring(space + 1));
                } else {
                    all.put(line, line);
                }
                line = said.readLine();
            }
            assertThat(line).as("the server said %s", all).isEqualTo(expected);
        }

        /** STOP and CONT, as a frozen virtual machine or a long pause. */
        void signal(String signal) throws IOException, InterruptedException {
            assertThat(new ProcessBuilder("sh", "-c", "kill -" + signal + " " + process.pid())
                            .inheritIO()
                            .start()
                            .waitFor())
                    .isZero();
        }

        void goOn() throws IOException {
            process.getOutputStream().write('\n');
            process.getOutputStream().flush();
        }

        int exitValue() throws InterruptedException {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().join();
        }
    }
}
