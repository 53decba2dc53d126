package io.github.invoicelock.examples.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What is to be measured. Groups of cells are measured interleaved: first each of them once, then each of them again.
 *
 * @param full whether all sizes are measured, or what a few minutes allow
 * @param sections which
 * @param contenders which
 * @param warmups repetitions of each cell that come first and are not counted, for each of its servers: a host's servers run for weeks, not for
 *     seconds
 * @param repetitions of each cell that are counted
 * @param longest one repetition
 * @param seconds about how long a repetition is to take
 * @param claims the sizes at which a claim is timed
 * @param publish whether to write into the project's docs, rather than into target
 * @param machine what else the machine was doing, in a word
 * @param jvmOptions of the servers
 */
record Plan(
        boolean full,
        Set<String> sections,
        Set<Contender> contenders,
        int warmups,
        int repetitions,
        Duration longest,
        double seconds,
        List<Integer> claims,
        boolean publish,
        String machine,
        List<String> jvmOptions) {
    static final String THROUGHPUT = "throughput";
    static final String SERVERS = "servers";
    static final String SIZE = "size";
    static final String MIX = "mix";
    static final String CLAIM = "claim";
    private static final List<String> SECTIONS = List.of(THROUGHPUT, SERVERS, SIZE, MIX, CLAIM);
    private static final int SLOW_PROVIDER_MILLIS = 50;

    /**
     * Reads it from {@code name=value} arguments.
     *
     * @throws IllegalArgumentException if a name is not known
     */
    static Plan of(String... arguments) {
        Map<String, String> given = new TreeMap<>();
        Arrays.stream(arguments)
                .flatMap(argument -> Arrays.stream(argument.split(" ")))
                .filter(argument -> !argument.isEmpty() && !argument.equals("-"))
                .forEach(argument -> {
                    int equals = argument.indexOf('=');
                    if (equals < 0) {
                        throw new IllegalArgumentException("\"" + argument + "\" is not of the form name=value.");
                    }
                    given.put(argument.substring(0, equals), argument.substring(equals + 1));
                });
        boolean full = take(given, "mode", "quick").equals("full");
        Set<String> sections =
                Set.of(take(given, "sections", String.join(",", SECTIONS)).split(","));
        String contenders = take(given, "contenders", "");
        Plan plan = new Plan(
                full,
                sections,
                contenders.isEmpty()
                        ? EnumSet.allOf(Contender.class)
                        : EnumSet.copyOf(Arrays.stream(contenders.split(","))
                                .map(Plan::contender)
                                .toList()),
                Integer.parseInt(take(given, "warmups", "3")),
                Integer.parseInt(take(given, "repetitions", full ? "5" : "2")),
                Duration.ofSeconds(Long.parseLong(take(given, "longest", full ? "120" : "10"))),
                Double.parseDouble(take(given, "seconds", full ? "5" : "1")),
                full ? List.of(10_000, 1_000_000) : List.of(10_000, 100_000),
                Boolean.parseBoolean(take(given, "publish", String.valueOf(full))),
                take(given, "machine", "not-stated"),
                Arrays.stream(take(given, "jvm", "").split(","))
                        .filter(option -> !option.isEmpty())
                        .toList());
        if (!given.isEmpty()) {
            throw new IllegalArgumentException(
                    "Not known: " + given.keySet()
                            + ". Known: mode, sections, contenders, warmups, repetitions, longest, seconds, publish, machine, jvm.");
        }
        if (!SECTIONS.containsAll(sections)) {
            throw new IllegalArgumentException("sections is " + sections + "; there are " + SECTIONS + ".");
        }
        if (plan.warmups < 0) {
            throw new IllegalArgumentException("warmups is " + plan.warmups + "; it cannot be less than 0.");
        }
        if (plan.repetitions < 1) {
            throw new IllegalArgumentException("repetitions is " + plan.repetitions + "; it must be at least 1.");
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

    private static String take(Map<String, String> given, String name, String otherwise) {
        String value = given.remove(name);
        return value == null ? otherwise : value;
    }

    /** Of four servers each bills a quarter of a repetition, and takes four times as many to be as warm as one alone. */
    int warmups(Cell cell) {
        return warmups * cell.servers();
    }

    /** How often each claim is timed, after those that only warm up. */
    int claimRounds() {
        return full ? 20 : 10;
    }

    /** Cells that are compared with one another, group by group. */
    List<List<Cell>> groups() {
        List<List<Cell>> groups = new ArrayList<>();
        if (sections.contains(THROUGHPUT)) {
            for (int millis : List.of(0, SLOW_PROVIDER_MILLIS)) {
                groups.add(cells(
                        List.of(Contender.values()),
                        contender -> new Cell(
                                THROUGHPUT,
                                contender,
                                1,
                                millis,
                                contender.invoicesFor(seconds, millis),
                                0,
                                Mix.ALL_BILLABLE)));
            }
        }
        if (sections.contains(SERVERS)) {
            for (int millis : full ? List.of(0, SLOW_PROVIDER_MILLIS) : List.of(0)) {
                List<Cell> group = new ArrayList<>();
                for (int servers : List.of(1, 2, 4)) {
                    group.addAll(cells(
                            servedByMany(),
                            contender -> new Cell(
                                    SERVERS,
                                    contender,
                                    servers,
                                    millis,
                                    contender.invoicesFor(seconds, millis),
                                    0,
                                    Mix.ALL_BILLABLE)));
                }
                groups.add(group);
            }
        }
        if (sections.contains(SIZE)) {
            List<int[]> sizes = full
                    ? List.of(
                            new int[] {10_000, 0},
                            new int[] {100_000, 0},
                            new int[] {1_000_000, 0},
                            new int[] {100_000, 5_000_000},
                            new int[] {1_000_000, 5_000_000})
                    : List.of(new int[] {100_000, 100_000});
            for (int[] size : sizes) {
                groups.add(cells(
                        List.of(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.ROW_LOCK_SKIP_LOCKED),
                        contender -> new Cell(SIZE, contender, 1, 0, size[0], size[1], Mix.ALL_BILLABLE)));
            }
        }
        if (sections.contains(MIX)) {
            for (Mix mix : full ? List.of(Mix.values()) : List.of(Mix.HALF_NOT_BILLABLE, Mix.HALF_PARKED)) {
                List<Contender> able = mix == Mix.HALF_DECLINED
                        ? List.of(Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.CLAIM_ONLY_NOWAIT)
                        : List.of(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.CLAIM_ONLY_NOWAIT);
                groups.add(cells(
                        able,
                        contender -> new Cell(MIX, contender, 1, 0, 2 * contender.invoicesFor(seconds, 0), 0, mix)));
            }
        }
        groups.removeIf(List::isEmpty);
        return groups;
    }

    /** Seven servers of each wait for their turn, with their memory and their connections: not all contenders, unless they are named. */
    private List<Contender> servedByMany() {
        return contenders.size() < Contender.values().length
                ? List.copyOf(contenders)
                : List.of(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED, Contender.ROW_LOCK_SKIP_LOCKED);
    }

    private List<Cell> cells(List<Contender> wanted, java.util.function.Function<Contender, Cell> cell) {
        return wanted.stream().filter(contenders::contains).map(cell).toList();
    }
}
