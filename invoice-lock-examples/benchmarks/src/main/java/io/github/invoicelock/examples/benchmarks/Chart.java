package io.github.invoicelock.examples.benchmarks;

import java.util.List;
import java.util.Locale;

/** Bars of invoices billed in a second, as SVG: readable on light and dark pages, without scripts. */
final class Chart {
    private static final int WIDTH = 760;
    private static final int LABELS = 270;
    private static final int BAR = 18;
    private static final int LINE = 24;
    private static final int HEADING = 34;
    private static final int NUMBERS = 70;

    private Chart() {}

    /** The throughput of each contender, a panel for each of the provider's times. */
    static String of(List<List<Result>> groups, String caption) {
        List<List<Result>> panels = groups.stream()
                .filter(group -> group.get(0).section().equals(Plan.THROUGHPUT))
                .toList();
        int height = LINE
                + panels.stream()
                        .mapToInt(panel -> HEADING + LINE * panel.size())
                        .sum()
                + LINE;
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">%n"
                        + "<title>Invoices billed in a second</title>%n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>%n",
                WIDTH,
                height,
                WIDTH,
                height));
        int y = 0;
        for (List<Result> panel : panels) {
            double most = panel.stream().mapToDouble(Result::perSecond).max().orElse(1);
            y += HEADING;
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"8\" y=\"%d\" font-weight=\"bold\" fill=\"#222222\">%s</text>%n",
                    y - 12,
                    escaped("Invoices a second, " + panel.get(0).waits().text())));
            for (Result result : panel) {
                double length = (WIDTH - LABELS - NUMBERS) * result.perSecond() / most;
                svg.append(String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#222222\">%s</text>"
                                + "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
                                + "<text x=\"%.1f\" y=\"%d\" fill=\"#222222\">%,.0f</text>%n",
                        LABELS - 8,
                        y + 13,
                        escaped(result.title()),
                        LABELS,
                        y,
                        Math.max(1, length),
                        BAR,
                        colour(result),
                        LABELS + Math.max(1, length) + 6,
                        y + 13,
                        result.perSecond()));
                y += LINE;
            }
        }
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"8\" y=\"%d\" font-size=\"11\" fill=\"#555555\">%s</text>%n</svg>%n",
                y + LINE,
                escaped(caption)));
        return svg.toString();
    }

    private static String colour(Result result) {
        return switch (Contender.valueOf(result.contender()).family) {
            case BOUND -> "#b0b0b0";
            case INVOICE_LOCK -> "#1f77b4";
            case ROW_LOCK -> "#e0a030";
            case PEER -> "#7a9a6a";
        };
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
