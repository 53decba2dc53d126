package io.github.invoicelock.testkit;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.function.Supplier;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;

/** How the provider's final refusal of a charge looks. Immutable. */
public final class Refusal {
    private final @Nullable Supplier<Record> invoices;
    private final @Nullable Reply reply;

    private Refusal(@Nullable Supplier<Record> invoices, @Nullable Reply reply) {
        this.invoices = invoices;
        this.reply = reply;
    }

    /**
     * The provider itself refuses such an invoice: a test card without money, say. Better than {@link #answered}, since it can be asked
     * about afterwards.
     *
     * @param invoices makes another such invoice at each call
     * @return the refusal
     */
    public static Refusal of(Supplier<Record> invoices) {
        return new Refusal(requireNonNull(invoices, "invoices"), null);
    }

    /**
     * The provider would answer so; the kit answers in its place.
     *
     * @param status HTTP's, 402 for example
     * @param contentType {@code application/json} for example
     * @param body as the provider writes it
     * @return the refusal
     */
    public static Refusal answered(int status, String contentType, String body) {
        return new Refusal(null, Reply.of(status, contentType, body));
    }

    Optional<Supplier<Record>> invoices() {
        return Optional.ofNullable(invoices);
    }

    Optional<Reply> reply() {
        return Optional.ofNullable(reply);
    }
}
