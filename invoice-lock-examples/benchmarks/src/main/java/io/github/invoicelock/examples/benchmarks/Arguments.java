package io.github.invoicelock.examples.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What was given as {@code name=value}. Who has asked for all that there is asks at last whether anything else was given. */
final class Arguments {
    private final Map<String, String> given = new TreeMap<>();
    private final TreeSet<String> known = new TreeSet<>();

    /**
     * Reads them.
     *
     * @throws IllegalArgumentException if one is not of the form {@code name=value}
     */
    Arguments(String... arguments) {
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
    }

    String text(String name, String otherwise) {
        known.add(name);
        return given.getOrDefault(name, otherwise);
    }

    /** What is between the commas; nothing if nothing is. */
    List<String> words(String name, String otherwise) {
        return Arrays.stream(text(name, otherwise).split(","))
                .filter(word -> !word.isEmpty())
                .toList();
    }

    /** A number that is not less than another. */
    int whole(String name, int otherwise, int least) {
        return atLeast(name, Integer.parseInt(text(name, String.valueOf(otherwise))), least);
    }

    /** Numbers that are not less than another. */
    List<Integer> wholes(String name, String otherwise, int least) {
        return words(name, otherwise).stream()
                .map(word -> atLeast(name, Integer.parseInt(word), least))
                .toList();
    }

    private static int atLeast(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be at least " + least + ".");
        }
        return value;
    }

    /**
     * Says that all is known.
     *
     * @throws IllegalArgumentException if a name was given that nobody has asked for
     */
    void nothingElse() {
        TreeSet<String> unknown = new TreeSet<>(given.keySet());
        unknown.removeAll(known);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("Not known: " + unknown + ". Known: " + known + ".");
        }
    }
}
