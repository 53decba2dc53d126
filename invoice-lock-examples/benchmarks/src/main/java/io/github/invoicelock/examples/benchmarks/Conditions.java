package io.github.invoicelock.examples.benchmarks;

import java.math.BigDecimal;
import java.util.List;

/**
 * Under which conditions contenders are compared; each is measured with each.
 *
 * @param providerMillis how long the provider takes to answer; those of each section if there are none
 * @param roundTripMicros how far away the database is; zero for as near as loopback is
 * @param listeners who listens to the library
 * @param servers how many bill at once, where several do
 * @param first how many invoices are a server's first
 */
record Conditions(
        List<Integer> providerMillis,
        List<Integer> roundTripMicros,
        List<Listener> listeners,
        List<Integer> servers,
        int first) {
    static Conditions of(Arguments given) {
        return new Conditions(
                given.wholes("providers", "", 0),
                given.words("roundTrips", "0").stream().map(Conditions::micros).toList(),
                given.words("listeners", "counting").stream()
                        .map(Listener::named)
                        .toList(),
                given.wholes("servers", "1,2,4", 1),
                given.whole("first", 200_000, 1));
    }

    private static int micros(String millis) {
        int micros = new BigDecimal(millis).movePointRight(3).intValueExact();
        if (micros < 0) {
            throw new IllegalArgumentException("roundTrips has " + millis + "; a round trip takes no less than 0 ms.");
        }
        return micros;
    }

    /** For each distance of the database the times of the provider: those that were asked for, or others. */
    List<Waits> waits(List<Integer> otherwise) {
        return roundTripMicros.stream()
                .flatMap(micros -> (providerMillis.isEmpty() ? otherwise : providerMillis)
                        .stream().map(millis -> new Waits(millis, micros)))
                .toList();
    }

    /** Only the library has any. */
    List<Listener> listeners(Contender contender) {
        return contender.family == Contender.Family.INVOICE_LOCK ? listeners : List.of(Listener.NONE);
    }
}
