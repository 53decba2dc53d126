package io.github.invoicelock.console;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a trial counted, as the form of the second step carries it: the word that was tried, and each attempt as it was then. So nothing is
 * decided that nobody has counted, and nothing of an invoice is in the form. Not thread-safe.
 */
final class Tried {
    /** What a trial says of an attempt that waits now. */
    enum Match {
        /** It would be taken, and is as it was. */
        AS_IT_WAS,
        /** It would have been taken, and is not what it was. */
        CHANGED,
        /** It came later, or would have been refused. */
        NOT_COUNTED
    }

    private final String word;
    /** By the journal's own number of the row. */
    private final Map<Long, String> attempts = new LinkedHashMap<>();

    private Tried(String word) {
        this.word = word;
    }

    /** Nothing is tried yet. */
    static Tried of(Many.Word word) {
        return new Tried(SeenAttempt.hash(String.join("\n", word.name(), word.code(), word.incident())));
    }

    /**
     * What is left to be decided of what a form says was tried.
     *
     * @throws BadInput if nothing was tried
     * @throws WordRefusedException if another word was
     */
    static Tried in(Visit visit, Many.Word word) {
        String text = visit.request()
                .parameter("tried")
                .orElseThrow(() -> new BadInput(
                        "Nothing was tried, so nobody has seen on which it is said. Try it first, and write nothing."));
        String[] parts = text.split(" ", -1);
        Tried tried = of(word);
        if (!parts[0].equals(tried.word)) {
            throw new WordRefusedException(
                    Refusal.CHANGED_SINCE,
                    "Something else was tried than what is said now. Try it again, and look at what it would come to.");
        }
        for (int i = 1; i < parts.length; i++) {
            tried.attempts.put(idOf(parts[i]), parts[i]);
        }
        return tried;
    }

    private static long idOf(String seen) {
        try {
            return Long.parseLong(seen.substring(0, Math.max(0, seen.indexOf('.'))));
        } catch (NumberFormatException e) {
            throw new BadInput("\"" + seen + "\" is nothing that was tried. Try it again.");
        }
    }

    /** It would be taken. */
    void add(BillingAttempt attempt) {
        attempts.put(attempt.id(), SeenAttempt.of(attempt));
    }

    /** For the form. */
    String text() {
        return attempts.isEmpty() ? word : word + " " + String.join(" ", attempts.values());
    }

    Match match(BillingAttempt attempt) {
        String then = attempts.get(attempt.id());
        return then == null
                ? Match.NOT_COUNTED
                : then.equals(SeenAttempt.of(attempt)) ? Match.AS_IT_WAS : Match.CHANGED;
    }

    /** It is done with. */
    void remove(BillingAttempt attempt) {
        attempts.remove(attempt.id());
    }

    int size() {
        return attempts.size();
    }

    /** Whether any of them was claimed before another attempt: lists are the newest first. */
    boolean hasOlderThan(BillingAttempt attempt) {
        return attempts.keySet().stream().anyMatch(id -> id < attempt.id());
    }
}
