package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockingInvoiceBiller;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a {@link Console} shows, and how. Immutable: each method that says something returns a changed copy. */
public final class ConsoleSettings {
    private static final Pattern PLACE = Pattern.compile("\\{([a-z]*)}");

    private final Supplier<? extends Map<String, LockingInvoiceBiller>> billers;
    private final List<String> links;
    private final Masking masking;
    private final boolean secondPerson;
    private final ZoneId zone;
    private final String accessSetting;

    /** What is shown of a field of an invoice. */
    @FunctionalInterface
    public interface Masking {
        /**
         * Called for each field of a snapshot that is shown, on the request's thread.
         *
         * @param field the column's name
         * @param value as JSON prints it, without quotation marks
         * @return what is shown instead; the value itself where nothing is to be hidden
         */
        String shown(String field, String value);
    }

    private ConsoleSettings(
            Supplier<? extends Map<String, LockingInvoiceBiller>> billers,
            List<String> links,
            Masking masking,
            boolean secondPerson,
            ZoneId zone,
            String accessSetting) {
        this.billers = billers;
        this.links = List.copyOf(links);
        this.masking = masking;
        this.secondPerson = secondPerson;
        this.zone = zone;
        this.accessSetting = accessSetting;
    }

    /**
     * The billers, by the names under which the console shows them. Asked at each request, so billers may come later than the console.
     *
     * @param billers in the order in which they are shown
     * @return settings with the defaults
     */
    public static ConsoleSettings of(Supplier<? extends Map<String, LockingInvoiceBiller>> billers) {
        return new ConsoleSettings(
                requireNonNull(billers, "billers"),
                List.of(),
                (field, value) -> value,
                false,
                ZoneOffset.UTC,
                "the function from a request to a ConsoleVisitor that the servlet was given");
    }

    /**
     * One biller, under its own name.
     *
     * @param biller what is shown
     * @return settings with the defaults
     */
    public static ConsoleSettings of(LockingInvoiceBiller biller) {
        Map<String, LockingInvoiceBiller> one = Map.of(biller.name(), biller);
        return of(() -> one);
    }

    /**
     * A link from an attempt to the provider's dashboard, {@code https://dashboard.stripe.com/payments/{reference}} for example. May be said
     * several times: the first link is shown whose places the attempt can fill. None by default.
     *
     * @param template with {@code {reference}}, {@code {key}} or {@code {invoice}}; the values are encoded for a URL
     * @return the changed copy
     * @throws IllegalArgumentException if it does not begin with https:// or http://, or names another place
     */
    public ConsoleSettings providerLink(String template) {
        if (!template.startsWith("https://") && !template.startsWith("http://")) {
            throw new IllegalArgumentException("providerLink is \"" + template
                    + "\"; it must begin with https:// or http://. Say e.g. "
                    + "https://dashboard.stripe.com/payments/{reference}.");
        }
        Matcher places = PLACE.matcher(template);
        while (places.find()) {
            if (!List.of("reference", "key", "invoice").contains(places.group(1))) {
                throw new IllegalArgumentException("providerLink is \"" + template + "\"; it has the place "
                        + places.group() + ". Use {reference}, {key} or {invoice}.");
            }
        }
        List<String> more = new ArrayList<>(links);
        more.add(template);
        return new ConsoleSettings(billers, more, masking, secondPerson, zone, accessSetting);
    }

    /**
     * What is shown of each field of an invoice to a person who may see it and asks for it. The field as it is by default.
     *
     * @param function masks a field
     * @return the changed copy
     */
    public ConsoleSettings masking(Masking function) {
        return new ConsoleSettings(
                billers, links, requireNonNull(function, "function"), secondPerson, zone, accessSetting);
    }

    /**
     * Asks for a second person, by another name, before "not billed" is said. Not by default.
     *
     * @return the changed copy
     */
    public ConsoleSettings secondPerson() {
        return new ConsoleSettings(billers, links, masking, true, zone, accessSetting);
    }

    /**
     * In which zone a day begins and ends. UTC by default. Times are shown in the viewer's zone, whatever is said here.
     *
     * @param ofDays the zone
     * @return the changed copy
     */
    public ConsoleSettings zone(ZoneId ofDays) {
        return new ConsoleSettings(
                billers, links, masking, secondPerson, requireNonNull(ofDays, "ofDays"), accessSetting);
    }

    /**
     * What says who may see the console, for the message that those get who may not.
     *
     * @param name of a property, for example
     * @return the changed copy
     */
    public ConsoleSettings accessSetting(String name) {
        return new ConsoleSettings(billers, links, masking, secondPerson, zone, requireNonNull(name, "name"));
    }

    Map<String, LockingInvoiceBiller> billers() {
        return billers.get();
    }

    /** Where the provider shows an attempt; null if no link can be filled. */
    @Nullable
    String linkOf(BillingAttempt attempt) {
        return links.stream()
                .map(template -> filled(template, attempt))
                .flatMap(Optional::stream)
                .findFirst()
                .orElse(null);
    }

    private static Optional<String> filled(String template, BillingAttempt attempt) {
        StringBuilder link = new StringBuilder();
        Matcher places = PLACE.matcher(template);
        while (places.find()) {
            String value =
                    switch (places.group(1)) {
                        case "reference" -> attempt.reference();
                        case "key" -> attempt.idempotencyKey();
                        default -> attempt.invoiceId();
                    };
            if (value == null) {
                return Optional.empty();
            }
            places.appendReplacement(
                    link,
                    Matcher.quoteReplacement(
                            URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20")));
        }
        places.appendTail(link);
        return Optional.of(link.toString());
    }

    Masking masking() {
        return masking;
    }

    boolean asksForASecondPerson() {
        return secondPerson;
    }

    ZoneId zone() {
        return zone;
    }

    String accessSetting() {
        return accessSetting;
    }
}
