package io.github.invoicelock.examples.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * What is to be measured. Groups of cells are measured interleaved: first each of them once, then each of them again.
 *
 * @param full whether all sizes are measured, or what a few minutes allow
 * @param sections which
 * @param contenders which
 * @param pace how long and how often
 * @param conditions under which
 * @param slots how much is under way at once
 * @param publish whether to write into the project's docs, rather than into target
 * @param machine what else the machine was doing, in a word
 * @param jvmOptions of the servers
 * @param postgres the directory of an installed PostgreSQL; empty for the embedded one
 */
record Plan(
        boolean full,
        Set<String> sections,
        Set<Contender> contenders,
        Pace pace,
        Conditions conditions,
        Slots slots,
        boolean publish,
        String machine,
        List<String> jvmOptions,
        String postgres) {
    static final String THROUGHPUT = "throughput";
    static final String SERVERS = "servers";
    static final String SIZE = "size";
    static final String MIX = "mix";
    static final String CLAIM = "claim";
    static final String COLD = "cold";
    static final String JIT = "jit";
    private static final List<String> SECTIONS = List.of(THROUGHPUT, SERVERS, SIZE, MIX, CLAIM, COLD, JIT);
    /** The embedded server has no LLVM. */
    private static final List<String> ON_EVERY_SERVER = List.of(THROUGHPUT, SERVERS, SIZE, MIX, CLAIM, COLD);

    private static final List<Contender> FEW =
            List.of(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.ROW_LOCK_SKIP_LOCKED);
    private static final int AT_ONCE = 0;
    private static final int WARM_UP_PROVIDER_MILLIS = 1;
    private static final int SLOW_PROVIDER_MILLIS = 50;
    private static final List<Integer> PROVIDERS = List.of(AT_ONCE, 20, SLOW_PROVIDER_MILLIS, 200, 1_000);
    /** A cold server's first invoices are always the same number, however long they take. */
    private static final Duration LONGEST_COLD = Duration.ofMinutes(5);

    /**
     * Reads it from {@code name=value} arguments.
     *
     * @throws IllegalArgumentException if a name is not known
     */
    static Plan of(String... arguments) {
        Arguments given = new Arguments(arguments);
        boolean full = given.text("mode", "quick").equals("full");
        String postgres = given.text("postgres", "");
        List<Contender> contenders =
                given.words("contenders", "").stream().map(Plan::contender).toList();
        Plan plan = new Plan(
                full,
                Set.copyOf(given.words("sections", String.join(",", postgres.isEmpty() ? ON_EVERY_SERVER : SECTIONS))),
                contenders.isEmpty() ? EnumSet.allOf(Contender.class) : EnumSet.copyOf(contenders),
                Pace.of(given, full),
                Conditions.of(given),
                new Slots(
                        given.whole("calls", Slots.USUAL.calls(), 1),
                        given.whole("connections", Slots.USUAL.connections(), 1)),
                Boolean.parseBoolean(given.text("publish", String.valueOf(full))),
                given.text("machine", "not-stated"),
                given.words("jvm", ""),
                postgres);
        given.nothingElse();
        if (!SECTIONS.containsAll(plan.sections)) {
            throw new IllegalArgumentException("sections is " + plan.sections + "; there are " + SECTIONS + ".");
        }
        return plan;
    }

    private static Contender contender(String name) {
        return Arrays.stream(Contender.values())
                .filter(contender -> contender.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "contenders has " + name + "; there are " + Arrays.toString(Contender.values()) + "."));
    }

    /** Of four servers each bills a quarter of a repetition, and takes four times as many to be as warm as one alone. */
    int warmups(Cell cell) {
        return cell.cold() ? 0 : pace.warmups() * cell.servers();
    }

    /**
     * The same as its warm-ups have it: a slow provider is not as slow then. Of one that takes 50 ms a server would have made a thousand calls
     * before it counts, and be as cold as it began.
     */
    Cell warmUp(Cell cell) {
        if (cell.waits().providerMillis() <= WARM_UP_PROVIDER_MILLIS) {
            return cell;
        }
        return cell.with(
                new Waits(WARM_UP_PROVIDER_MILLIS, cell.waits().roundTripMicros()),
                cell.contender().invoicesFor(pace.seconds(), WARM_UP_PROVIDER_MILLIS, slots));
    }

    Duration longest(Cell cell) {
        return cell.cold() ? Collections.max(List.of(LONGEST_COLD, pace.longest())) : pace.longest();
    }

    /** The sizes at which a claim is timed. */
    List<Integer> claims() {
        return full ? List.of(10_000, 1_000_000) : List.of(10_000, 100_000);
    }

    /** The size of a big journal. */
    int largest() {
        return Collections.max(claims());
    }

    /** How often each claim is timed, after those that only warm up. */
    int claimRounds() {
        return full ? 20 : 10;
    }

    /** Cells that are compared with one another, group by group. */
    List<List<Cell>> groups() {
        List<List<Cell>> groups = new ArrayList<>();
        if (sections.contains(THROUGHPUT)) {
            groups.addAll(throughput());
        }
        if (sections.contains(SERVERS)) {
            groups.addAll(servers());
        }
        if (sections.contains(SIZE)) {
            groups.addAll(sizes());
        }
        if (sections.contains(MIX)) {
            groups.addAll(mixes());
        }
        if (sections.contains(COLD)) {
            groups.addAll(cold());
        }
        groups.removeIf(List::isEmpty);
        return groups;
    }

    private List<List<Cell>> throughput() {
        return conditions.waits(full ? PROVIDERS : List.of(AT_ONCE, SLOW_PROVIDER_MILLIS)).stream()
                .map(waits -> cells(
                        List.of(Contender.values()),
                        contender -> new Cell(
                                THROUGHPUT,
                                contender,
                                Listener.NONE,
                                1,
                                waits,
                                contender.invoicesFor(pace.seconds(), waits.providerMillis(), slots),
                                0,
                                Mix.ALL_BILLABLE)))
                .toList();
    }

    private List<List<Cell>> servers() {
        List<List<Cell>> groups = new ArrayList<>();
        for (Waits waits : conditions.waits(full ? List.of(AT_ONCE, SLOW_PROVIDER_MILLIS) : List.of(AT_ONCE))) {
            List<Cell> group = new ArrayList<>();
            for (int servers : conditions.servers()) {
                // Where the provider is slow, four of them bill four times as many in the same time.
                int times = waits.providerMillis() == 0 ? 1 : servers;
                group.addAll(cells(
                        named(FEW),
                        contender -> new Cell(
                                SERVERS,
                                contender,
                                Listener.NONE,
                                servers,
                                waits,
                                times * contender.invoicesFor(pace.seconds(), waits.providerMillis(), slots),
                                0,
                                Mix.ALL_BILLABLE)));
            }
            groups.add(group);
        }
        return groups;
    }

    private List<List<Cell>> sizes() {
        List<int[]> sizes = full
                ? List.of(
                        new int[] {10_000, 0},
                        new int[] {100_000, 0},
                        new int[] {1_000_000, 0},
                        new int[] {100_000, 5_000_000},
                        new int[] {1_000_000, 5_000_000})
                : List.of(new int[] {100_000, 100_000});
        return sizes.stream()
                .map(size -> cells(
                        FEW,
                        contender -> new Cell(
                                SIZE,
                                contender,
                                Listener.NONE,
                                1,
                                new Waits(AT_ONCE, 0),
                                size[0],
                                size[1],
                                Mix.ALL_BILLABLE)))
                .toList();
    }

    private List<List<Cell>> mixes() {
        List<List<Cell>> groups = new ArrayList<>();
        for (Mix mix : full ? List.of(Mix.values()) : List.of(Mix.HALF_NOT_BILLABLE, Mix.HALF_PARKED)) {
            List<Contender> able = mix == Mix.HALF_DECLINED
                    ? List.of(Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.CLAIM_ONLY_NOWAIT)
                    : List.of(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.CLAIM_ONLY_NOWAIT);
            groups.add(cells(
                    able,
                    contender -> new Cell(
                            MIX,
                            contender,
                            Listener.NONE,
                            1,
                            new Waits(AT_ONCE, 0),
                            2 * contender.invoicesFor(pace.seconds(), 0, slots),
                            0,
                            mix)));
        }
        return groups;
    }

    private List<List<Cell>> cold() {
        return conditions.waits(List.of(AT_ONCE)).stream()
                .map(waits -> cells(
                        named(List.of(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED)),
                        contender -> new Cell(
                                COLD, contender, Listener.NONE, 1, waits, conditions.first(), 0, Mix.ALL_BILLABLE)))
                .toList();
    }

    /** Seven servers of each wait for their turn, with their memory and their connections: not all contenders, unless they are named. */
    private List<Contender> named(List<Contender> otherwise) {
        return contenders.size() < Contender.values().length ? List.copyOf(contenders) : otherwise;
    }

    private List<Cell> cells(List<Contender> wanted, Function<Contender, Cell> cell) {
        return wanted.stream()
                .filter(contenders::contains)
                .flatMap(contender -> conditions.listeners(contender).stream()
                        .map(listener -> cell.apply(contender).with(listener)))
                .toList();
    }
}
