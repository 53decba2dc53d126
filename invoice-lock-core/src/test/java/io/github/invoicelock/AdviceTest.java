package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.Advice.Effect;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a person is advised, and that docs/operations.md says the same. */
class AdviceTest {
    private static final String BEGIN = "<!-- advice: begin -->";
    private static final String END = "<!-- advice: end -->";

    /** For which a state can wait; null: it does not wait for a person. */
    private record Standing(AttemptState state, @Nullable AttemptCause cause) {}

    private static final List<Standing> STANDINGS = List.of(
            new Standing(AttemptState.STARTED, null),
            new Standing(AttemptState.ACCEPTED, AttemptCause.CANNOT_BE_ASKED),
            new Standing(AttemptState.ACCEPTED, AttemptCause.TRIES_USED_UP),
            new Standing(AttemptState.ACCEPTED, AttemptCause.SNAPSHOT_DOES_NOT_FIT),
            new Standing(AttemptState.IN_DOUBT, AttemptCause.TRIES_USED_UP),
            new Standing(AttemptState.IN_DOUBT, AttemptCause.MAY_NOT_BE_REPEATED),
            new Standing(AttemptState.IN_DOUBT, AttemptCause.MEMORY_OVER),
            new Standing(AttemptState.IN_DOUBT, AttemptCause.SNAPSHOT_DOES_NOT_FIT),
            new Standing(AttemptState.IN_DOUBT, AttemptCause.OWN_DATA_FAILS),
            new Standing(AttemptState.NOT_BILLED, AttemptCause.TRIES_USED_UP),
            new Standing(AttemptState.NOT_BILLED, AttemptCause.SNAPSHOT_DOES_NOT_FIT),
            new Standing(AttemptState.NOT_BILLED, AttemptCause.OWN_DATA_FAILS),
            new Standing(AttemptState.DECLINED, AttemptCause.REFUSED),
            new Standing(AttemptState.DECLINED, AttemptCause.OWN_DATA_FAILS),
            new Standing(AttemptState.BILLED, null),
            new Standing(AttemptState.BILLED, AttemptCause.SECOND_CHARGE),
            new Standing(AttemptState.BILLED, AttemptCause.OWN_DATA_FAILS),
            new Standing(AttemptState.BILLED, AttemptCause.PENDING_THOUGH_BILLED),
            new Standing(AttemptState.WITHDRAWN, AttemptCause.TAKEN_BACK_AND_PENDING));

    @Test
    void operations_md_has_the_table_of_every_decision() {
        String page = Docs.page("docs/operations.md").text();

        String there = page.substring(page.indexOf(BEGIN) + BEGIN.length(), page.indexOf(END))
                .strip();

        assertThat(there)
                .as("the table between the two comments; this is it:%n%s", table())
                .isEqualTo(table());
    }

    @Test
    void every_cause_is_advised_upon() {
        assertThat(STANDINGS.stream()
                        .map(Standing::cause)
                        .filter(Objects::nonNull)
                        .collect(Collectors.toSet()))
                .isEqualTo(EnumSet.allOf(AttemptCause.class));
    }

    @Test
    void whatever_an_attempt_waits_for_there_is_a_choice() {
        for (AttemptState state : AttemptState.values()) {
            for (AttemptCause cause : causes()) {
                for (Advice.Provider provider : Advice.Provider.values()) {
                    assertThat(Advice.of(state, cause, provider).choices())
                            .as("%s %s %s", state, cause, provider)
                            .isNotEmpty();
                }
            }
        }
    }

    @Test
    void what_needs_no_ledger_never_sends_a_key_in_doubt_that_the_provider_would_not_remember() {
        for (AttemptCause cause : causes()) {
            Advice advice = Advice.of(AttemptState.IN_DOUBT, cause, Advice.Provider.NEITHER);
            assertThat(advice.choices())
                    .filteredOn(choice -> !choice.decision().needsTheLedger())
                    .extracting(Advice.Choice::effect)
                    .as("%s", cause)
                    .doesNotContain(Effect.SENDS_THE_SAME_KEY, Effect.SENDS_A_NEW_KEY, Effect.ASKS_THEN_SENDS);
        }
    }

    @Test
    void of_what_was_charged_nothing_is_sent() {
        Set<Effect> sends = EnumSet.of(
                Effect.SENDS_THE_SAME_KEY, Effect.SENDS_A_NEW_KEY, Effect.ASKS_THEN_SENDS, Effect.TRIES_AGAIN);
        for (AttemptCause cause : causes()) {
            assertThat(Advice.of(AttemptState.BILLED, cause, Advice.Provider.REMEMBERS_AND_CAN_BE_ASKED)
                            .choices())
                    .extracting(Advice.Choice::effect)
                    .as("%s", cause)
                    .doesNotContainAnyElementsOf(sends);
        }
    }

    private static List<@Nullable AttemptCause> causes() {
        List<@Nullable AttemptCause> causes = new ArrayList<>(Arrays.asList(AttemptCause.values()));
        causes.add(null);
        return causes;
    }

    // ---- the table

    private static String table() {
        return Stream.of(
                        Stream.of("| state | cause | `retry` | you can also |", "|---|---|---|---|"),
                        STANDINGS.stream().map(AdviceTest::row),
                        Stream.of("", "| you can | it is right when | leads to |", "|---|---|---|"),
                        Stream.of(Decision.values()).map(AdviceTest::row))
                .flatMap(lines -> lines)
                .collect(Collectors.joining("\n"));
    }

    private static String row(Standing standing) {
        String others = decisions(standing)
                .filter(decision -> decision != Decision.RETRY)
                .map(decision ->
                        decision.call() + (decision == Decision.ASK ? ", where the provider can be asked" : ""))
                .collect(Collectors.joining("; "));
        boolean released = decisions(standing).anyMatch(decision -> decision == Decision.RETRY);
        return "| " + standing.state() + " | " + (standing.cause() == null ? "" : standing.cause()) + " | "
                + (released ? effects(standing, Decision.RETRY) : "refused") + " | " + others + " |";
    }

    private static String row(Decision decision) {
        String effects = STANDINGS.stream()
                .flatMap(standing -> Stream.of(Advice.Provider.values()).map(provider -> advice(standing, provider)))
                .flatMap(advice -> advice.effectOf(decision).stream())
                .distinct()
                .map(Effect::text)
                .collect(Collectors.joining("; or "));
        return "| " + decision.call() + " | " + decision.text() + " | "
                + (decision == Decision.RETRY ? "see above" : effects) + " |";
    }

    private static Stream<Decision> decisions(Standing standing) {
        return Stream.of(Advice.Provider.values())
                .flatMap(provider -> advice(standing, provider).choices().stream())
                .map(Advice.Choice::decision)
                .distinct();
    }

    private static Advice advice(Standing standing, Advice.Provider provider) {
        return Advice.of(standing.state(), standing.cause(), provider);
    }

    /** One clause where the provider makes no difference. */
    private static String effects(Standing standing, Decision decision) {
        Map<String, List<String>> providers = new LinkedHashMap<>();
        for (Advice.Provider provider : Advice.Provider.values()) {
            String effect = advice(standing, provider)
                    .effectOf(decision)
                    .map(Effect::text)
                    .orElse("not there");
            providers.computeIfAbsent(effect, e -> new ArrayList<>()).add(provider.text());
        }
        if (providers.size() == 1) {
            return providers.keySet().iterator().next();
        }
        return providers.entrySet().stream()
                .map(entry -> joined(entry.getValue()) + ": " + entry.getKey())
                .collect(Collectors.joining(". "));
    }

    private static String joined(List<String> providers) {
        return "*" + String.join("*, *", providers) + "*";
    }
}
