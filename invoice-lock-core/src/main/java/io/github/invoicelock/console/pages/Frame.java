package io.github.invoicelock.console.pages;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What every page has around it.
 *
 * @param base what every path of the console begins with
 * @param title of the page
 * @param section which entry of the menu it belongs to
 * @param user who looks
 * @param rights what they may do
 * @param hidden what each form carries along for the host
 * @param billers all that there are, by name
 * @param biller which one the page is about
 * @param notice what has just been done; null if nothing was
 */
public record Frame(
        String base,
        String title,
        String section,
        String user,
        Rights rights,
        List<Field> hidden,
        List<String> billers,
        String biller,
        @Nullable String notice) {
    /**
     * What a visitor may do.
     *
     * @param decide whether they may decide
     * @param notBilled whether they may say "not billed"
     */
    public record Rights(boolean decide, boolean notBilled) {}

    /**
     * A name and what belongs to it.
     *
     * @param name of the field
     * @param value as text
     */
    public record Field(String name, String value) {}

    /**
     * A link to a page about this frame's biller.
     *
     * @param path below the base
     * @param pairs names and values of parameters; a pair without a value is left out
     */
    public String link(String path, @Nullable String... pairs) {
        StringBuilder link =
                new StringBuilder(base).append(path).append("?biller=").append(encoded(biller));
        for (int i = 0; i + 1 < pairs.length; i += 2) {
            String value = pairs[i + 1];
            if (value != null && !value.isEmpty()) {
                link.append('&').append(pairs[i]).append('=').append(encoded(value));
            }
        }
        return link.toString();
    }

    /** A link to an invoice's page. */
    public String invoice(String id) {
        return link("/invoice", "id", id);
    }

    /** The same page about another biller. */
    public String of(String other) {
        return base + ("/".equals(section) ? "/waiting" : section) + "?biller=" + encoded(other);
    }

    /** Something in a URL. */
    public static String encoded(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }
}
