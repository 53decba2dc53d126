package io.github.invoicelock.testkit;

import java.util.function.Supplier;
import org.junit.jupiter.api.Assertions;

/** What a check requires; a failure says what the gateway did, what it costs and what to do. */
final class Requirement {
    private Requirement() {}

    static void require(boolean holds, Supplier<String> did, String harm, String remedy) {
        if (!holds) {
            Assertions.fail(
                    "What the gateway did: " + did.get() + "\nWhat it costs: " + harm + "\nWhat to do: " + remedy);
        }
    }

    static void unknown(String happened, Told told) {
        require(
                told.nothingKnown(),
                () -> happened + ", and it " + told.words() + ".",
                told.declined()
                        ? "The charge was made. Declined means that this key never charges: a new one follows and charges again (R2)."
                        : told.notBilled()
                                ? "The charge was made. notBilled means that this request surely did nothing: the library sends it"
                                        + " again, past the time that the provider remembers the key, and charges twice (R6)."
                                : told.charged()
                                        ? "It cannot know that. Whatever it takes for a charge settles the invoice for good (R5); the"
                                                + " next time nobody paid, and the money is lost."
                                        : "Nothing can be said of a call that does not end.",
                "Answer BillingOutcome.unknown(reason), or let the exception pass. Answer anything else only to what the provider says"
                        + " in so many words.");
    }

    static void endsInTime(String method, Told told) {
        require(
                told.ended(),
                () -> "The provider was silent, and " + method + " " + told.words() + ".",
                "The library goes on without it and takes the outcome for unknown, but the thread stays: a provider that hangs uses up"
                        + " all of them. And what is sent by a call that everybody gave up may arrive after the lease (R7).",
                "Pass request.timeout() to the client, for the whole answer and not just for the connection.");
    }
}
