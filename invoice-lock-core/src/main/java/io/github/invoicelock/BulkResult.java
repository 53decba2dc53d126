package io.github.invoicelock;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a decision on many attempts leads to, or would lead to. Immutable.
 *
 * @param dryRun whether nothing was written
 * @param effects how many attempts lead to each effect; effects without any are left out
 * @param refusals how many were refused for each reason; reasons without any are left out
 */
public record BulkResult(boolean dryRun, Map<Advice.Effect, Long> effects, Map<Refusal, Long> refusals) {
    /**
     * Copied.
     *
     * @param dryRun as above
     * @param effects not null
     * @param refusals not null
     */
    public BulkResult {
        effects = Collections.unmodifiableMap(
                effects.isEmpty() ? new EnumMap<>(Advice.Effect.class) : new EnumMap<>(effects));
        refusals = Collections.unmodifiableMap(
                refusals.isEmpty() ? new EnumMap<>(Refusal.class) : new EnumMap<>(refusals));
    }

    /**
     * How many are sent to the provider by the next run: under the same key or a new one.
     *
     * @return without those that are asked about before
     */
    public long sent() {
        return count(Advice.Effect.SENDS_THE_SAME_KEY)
                + count(Advice.Effect.SENDS_A_NEW_KEY)
                + count(Advice.Effect.TRIES_AGAIN);
    }

    /**
     * How many the provider is asked about; some of them are sent afterwards.
     *
     * @return now or at the time that was named
     */
    public long asked() {
        return count(Advice.Effect.ASKS) + count(Advice.Effect.ASKS_THEN_SENDS) + count(Advice.Effect.ASKS_LATER);
    }

    /**
     * How many were decided upon.
     *
     * @return all but the refused ones
     */
    public long decided() {
        return effects.values().stream().mapToLong(Long::longValue).sum();
    }

    /**
     * How many were refused.
     *
     * @return for all reasons together
     */
    public long refused() {
        return refusals.values().stream().mapToLong(Long::longValue).sum();
    }

    private long count(Advice.Effect effect) {
        return effects.getOrDefault(effect, 0L);
    }
}
