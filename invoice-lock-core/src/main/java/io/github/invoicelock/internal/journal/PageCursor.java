package io.github.invoicelock.internal.journal;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a page begins.
 *
 * @param before the id of the last row that was shown
 * @param least the lowest id that may be one of the list's, so that its last page does not read on to the journal's beginning
 */
record PageCursor(long before, long least) {
    private static final Pattern TEXT = Pattern.compile("(-?[0-9a-z]{1,13})\\.(-?[0-9a-z]{1,13})");
    private static final int BASE = 36;

    static PageCursor before(AttemptPages.Range range) {
        return new PageCursor(range.last() == Long.MAX_VALUE ? range.last() : range.last() + 1, range.first());
    }

    /**
     * Of a page's request; empty for the first page.
     *
     * @throws IllegalArgumentException if it is none
     */
    static Optional<PageCursor> of(@Nullable String text) {
        if (text == null) {
            return Optional.empty();
        }
        Matcher parts = TEXT.matcher(text);
        try {
            if (parts.matches()) {
                return Optional.of(
                        new PageCursor(Long.parseLong(parts.group(1), BASE), Long.parseLong(parts.group(2), BASE)));
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(refusal(text), e);
        }
        throw new IllegalArgumentException(refusal(text));
    }

    private static String refusal(String text) {
        return "\"" + text + "\" is no cursor of a page. Hand PageRequest.after what Page.next() said, as it is.";
    }

    PageCursor beyond(long id) {
        return new PageCursor(id, least);
    }

    String text() {
        return Long.toString(before, BASE) + "." + Long.toString(least, BASE);
    }
}
