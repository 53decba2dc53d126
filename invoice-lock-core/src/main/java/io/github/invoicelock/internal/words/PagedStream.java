package io.github.invoicelock.internal.words;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A long list that is read a page at a time while it is consumed: nothing is held between two pages, so nothing is to be closed. */
final class PagedStream {
    static final int PAGE = 1_000;

    private PagedStream() {}

    /**
     * Of pages.
     *
     * @param pageBehind the rows behind one, {@link #PAGE} of them while there are so many; from the start for null
     */
    static <T> Stream<T> of(Function<@Nullable T, List<T>> pageBehind) {
        return Stream.iterate(
                        new Pages<>(pageBehind, null),
                        pages -> !pages.rows().isEmpty(),
                        pages -> new Pages<>(pageBehind, pages.rows()))
                .flatMap(pages -> pages.rows().stream());
    }

    /** A page that is read when it is asked for, once. */
    private static final class Pages<T> {
        private final Function<@Nullable T, List<T>> pageBehind;
        private final @Nullable List<T> before;
        private @Nullable List<T> rows;

        private Pages(Function<@Nullable T, List<T>> pageBehind, @Nullable List<T> before) {
            this.pageBehind = pageBehind;
            this.before = before;
        }

        private List<T> rows() {
            if (rows == null) {
                boolean over = before != null && before.size() < PAGE;
                rows = over ? List.of() : pageBehind.apply(before == null ? null : before.get(before.size() - 1));
            }
            return rows;
        }
    }
}
