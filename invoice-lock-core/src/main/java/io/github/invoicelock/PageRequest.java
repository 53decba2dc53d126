package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * Which page of a list is wanted. Immutable. A page begins behind the last row of the one before, not after a count of rows: a page deep
 * down costs no more than the first, and rows that come or go meanwhile are neither shown twice nor passed over.
 */
public final class PageRequest {
    /** The most rows of a page. */
    public static final int LARGEST = 1_000;

    private final int size;
    private final @Nullable String cursor;

    private PageRequest(int size, @Nullable String cursor) {
        this.size = size;
        this.cursor = cursor;
    }

    /**
     * The first page.
     *
     * @param size how many rows at most; 1 to {@link #LARGEST}
     * @return a request for it
     * @throws IllegalArgumentException if the size is not in its range
     */
    public static PageRequest first(int size) {
        if (size < 1 || size > LARGEST) {
            throw new IllegalArgumentException("The page's size is " + size + "; it must be from 1 to " + LARGEST
                    + ". For more, ask for the next page: request.after(page.next()).");
        }
        return new PageRequest(size, null);
    }

    /**
     * The page that comes behind another.
     *
     * @param next what that page's {@link Page#next()} said; of the same list
     * @return a request for it
     */
    public PageRequest after(String next) {
        return new PageRequest(size, requireNonNull(next, "next; where it is null there is no further page"));
    }

    /**
     * How many rows at most.
     *
     * @return 1 to {@link #LARGEST}
     */
    public int size() {
        return size;
    }

    /**
     * Behind what.
     *
     * @return null for the first page; else only the library can read it
     */
    public @Nullable String cursor() {
        return cursor;
    }

    @Override
    public String toString() {
        return "PageRequest[size=" + size + ", cursor=" + cursor + "]";
    }
}
