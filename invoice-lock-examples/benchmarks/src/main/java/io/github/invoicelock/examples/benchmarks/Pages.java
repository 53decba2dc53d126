package io.github.invoicelock.examples.benchmarks;

/** Pages of the docs that a program fills in part. */
final class Pages {
    private Pages() {}

    /**
     * Replaces what is between two markers.
     *
     * @throws IllegalArgumentException if one of them is missing
     */
    static String replaceSection(String page, String begin, String end, String section) {
        int from = page.indexOf(begin);
        int to = page.indexOf(end);
        if (from < 0 || to < from) {
            throw new IllegalArgumentException("The page lacks " + begin + " or, behind it, " + end + ".");
        }
        return page.substring(0, from + begin.length()) + "\n" + section.strip() + "\n" + page.substring(to);
    }
}
