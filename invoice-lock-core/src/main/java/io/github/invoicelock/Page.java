package io.github.invoicelock;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of a longer list.
 *
 * @param rows in the list's order; unmodifiable. May be fewer than asked for although there are more
 * @param next for {@link PageRequest#after}: plain characters that fit into a URL; null where nothing follows
 * @param <T> of what
 */
public record Page<T>(List<T> rows, @Nullable String next) {
    /**
     * Copied.
     *
     * @param rows as above
     * @param next as above
     */
    public Page {
        rows = List.copyOf(rows);
    }
}
