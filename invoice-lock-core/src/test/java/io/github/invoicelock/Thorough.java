package io.github.invoicelock;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * How much of a long walk a build takes. {@code mvn verify} takes some of its steps, others each time; {@code mvn verify -Pthorough} takes all
 * of them, and runs the tests that are tagged {@value #TAG}, which take too long to be run before each commit.
 */
final class Thorough {
    /** Of a test that {@code mvn verify} leaves out. */
    static final String TAG = "thorough";

    /** Of a test that {@code mvn verify} takes in part, and {@code mvn verify -Pthorough} as a whole. */
    static final String SAMPLED = "sampled";

    private static final boolean ALL = Boolean.getBoolean("invoicelock.thorough");
    private static final long SEED = Long.getLong("invoicelock.sample.seed", new Random().nextInt(1_000_000));

    private Thorough() {}

    /** All of them, or one in so many, in their order; what it took is printed, with the seed that takes the same ones again. */
    static <T> List<T> orOneIn(int many, String what, List<T> all) {
        List<T> some = some(many, what, all);
        if (!ALL) {
            System.out.printf(
                    "%s: %d of %d (-Dinvoicelock.sample.seed=%d; all with -Pthorough)%n",
                    what, some.size(), all.size(), SEED);
        }
        return some;
    }

    /** The same, where a test's name says what it took. */
    static <T> List<T> some(int oneIn, String what, List<T> all) {
        if (ALL) {
            return all;
        }
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            places.add(i);
        }
        Collections.shuffle(places, new Random(SEED + what.hashCode()));
        return places.stream()
                .limit((all.size() + oneIn - 1) / oneIn)
                .sorted()
                .map(all::get)
                .toList();
    }
}
