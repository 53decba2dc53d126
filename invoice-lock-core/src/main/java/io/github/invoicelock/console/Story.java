package io.github.invoicelock.console;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.console.pages.InvoicePage;
import io.github.invoicelock.console.pages.Words;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What happened to an invoice, in the order in which it happened. */
final class Story {
    private static final String PROPOSAL = "Proposes " + BillingOutcome.Kind.NOT_BILLED;
    private static final String NOTHING_CHARGED = "The provider says: not charged";

    private Story() {}

    /** From its attempts and their history: the straight way has no history of its own. */
    static List<InvoicePage.Line> of(List<BillingAttempt> attempts, List<AttemptEvent> events) {
        List<InvoicePage.Line> lines = new ArrayList<>();
        attempts.forEach(attempt -> lines.add(claimed(attempt, events)));
        events.forEach(event -> lines.add(line(event)));
        attempts.stream().filter(attempt -> straight(attempt, events)).forEach(attempt -> lines.add(charged(attempt)));
        // Stable: what was written by one statement stays in its order.
        lines.sort(Comparator.comparing(InvoicePage.Line::at));
        return lines;
    }

    private static InvoicePage.Line claimed(BillingAttempt attempt, List<AttemptEvent> events) {
        boolean sameOwner = events.stream()
                .noneMatch(
                        event -> event.attempt() == attempt.number() && event.what() == AttemptEvent.What.TAKEN_OVER);
        return new InvoicePage.Line(
                attempt.startedAt(),
                attempt.number(),
                "Claimed",
                sameOwner ? attempt.owner() : "",
                attempt.number() == 1 ? null : "Under a new key.",
                null,
                "calm");
    }

    /** Claimed, and charged at the first call. */
    private static boolean straight(BillingAttempt attempt, List<AttemptEvent> events) {
        return attempt.state() == AttemptState.BILLED
                && attempt.settledAt() != null
                && events.stream()
                        .noneMatch(event -> event.attempt() == attempt.number() && event.to() == AttemptState.BILLED);
    }

    private static InvoicePage.Line charged(BillingAttempt attempt) {
        return new InvoicePage.Line(
                Objects.requireNonNull(attempt.settledAt()),
                attempt.number(),
                "Charged",
                attempt.owner(),
                attempt.reference() == null ? null : "As " + attempt.reference() + ".",
                null,
                "good");
    }

    private static InvoicePage.Line line(AttemptEvent event) {
        return new InvoicePage.Line(
                event.at(),
                event.attempt(),
                what(event),
                by(event),
                said(event),
                event.note(),
                event.cause() != null ? "needs" : event.to() == AttemptState.BILLED ? "good" : "calm");
    }

    private static String by(AttemptEvent event) {
        return event.who() != null ? event.who() : event.what() == AttemptEvent.What.REPORTED ? "" : event.server();
    }

    private static @Nullable String said(AttemptEvent event) {
        String said = event.message();
        String code = event.code() == null ? "" : event.code() + ": ";
        if (said == null && event.to() == AttemptState.BILLED && event.reference() != null) {
            return "As " + event.reference() + ".";
        }
        return said == null ? null : said.startsWith(code) ? said : code + said;
    }

    private static String what(AttemptEvent event) {
        String waits = event.cause() == null ? "" : "; waits for a person: " + Words.cause(event.cause());
        return switch (event.what()) {
            case TAKEN_OVER -> "Taken over, its owner was gone or its time had come";
            case SETTLED -> "Came back: " + Words.state(event.to()) + waits;
            case GIVEN_BACK -> "Given back without a call";
            case SET_ASIDE -> "Set aside" + waits;
            case MARKED -> "Its row was marked";
            case LATE_ANSWER -> "A late answer: " + Words.state(event.to());
            case REPORTED -> "The provider told: " + Words.state(event.to()) + waits;
            case RESOLVED -> "Decided: " + Words.state(event.to()) + waits;
            case RETRIED -> "Released";
            case ASKED -> "The provider was asked";
            case PROPOSED -> "A decision was proposed";
            case WITHDRAWN -> "Taken back";
            case REPLACED -> "A new key took its place";
            case ANOMALY -> "Found as it should not be" + waits;
            case MENDED -> "Found in order again";
        };
    }

    /** What happened last, in a sentence; empty if there is no history. */
    static Optional<String> lastOf(List<AttemptEvent> events) {
        return events.isEmpty()
                ? Optional.empty()
                : Optional.of(line(events.get(events.size() - 1)))
                        .map(line -> line.what() + (line.by().isEmpty() ? "" : ", by " + line.by()) + ", "
                                + Words.time(line.at())
                                + (line.note() == null ? "." : ", with the note \"" + line.note() + "\".")
                                + (line.said() == null ? "" : " " + line.said()));
    }

    /** Who has proposed to say "not billed" of an attempt as it is now; empty if nobody has. */
    static Optional<InvoicePage.Line> proposal(List<AttemptEvent> events, BillingAttempt attempt) {
        AttemptEvent proposed = null;
        for (AttemptEvent event : events) {
            if (event.attempt() != attempt.number()) {
                continue;
            }
            if (event.what() == AttemptEvent.What.PROPOSED) {
                proposed = PROPOSAL.equals(event.message()) ? event : proposed;
            } else if (!confirms(event)) {
                // It was changed since, or the provider says otherwise: what was proposed then is void.
                proposed = null;
            }
        }
        return Optional.ofNullable(proposed).map(Story::line);
    }

    /** An answer that the first person has not heard, and that says what they said. */
    private static boolean confirms(AttemptEvent event) {
        String said = event.message();
        return event.what() == AttemptEvent.What.ASKED && said != null && said.startsWith(NOTHING_CHARGED);
    }

    /** What the provider said when it was asked last; empty if it never was. */
    static Optional<InvoicePage.Line> answer(List<AttemptEvent> events) {
        return events.stream()
                .filter(event -> event.what() == AttemptEvent.What.ASKED)
                .reduce((first, second) -> second)
                .map(Story::line);
    }
}
