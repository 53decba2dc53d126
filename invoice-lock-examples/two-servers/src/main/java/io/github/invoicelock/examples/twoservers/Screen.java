package io.github.invoicelock.examples.twoservers;

import java.io.Console;
import java.lang.reflect.InvocationTargetException;
import java.util.List;
import java.util.Locale;

/** What a person sees: a line of progress that rewrites itself on a terminal and is plain elsewhere, then a table. */
final class Screen {
    private static final String ROW = "  %-36s %5s %6s %5s  %-13s %6s  %s";

    private final boolean terminal;

    Screen(boolean terminal) {
        this.terminal = terminal;
    }

    static Screen here() {
        String term = System.getenv("TERM");
        return new Screen(isTerminal() && term != null && !term.equals("dumb") && System.getenv("NO_COLOR") == null);
    }

    @SuppressWarnings("SystemConsoleNull") // asked for what it is on newer JDKs
    private static boolean isTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            // From JDK 22 on there is a console without a terminal, too.
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (IllegalAccessException | InvocationTargetException e) {
            return false;
        }
    }

    void say(String text) {
        System.out.println(text);
    }

    void progress(String text) {
        System.out.print(terminal ? "\r\033[K  " + text : "  " + text + System.lineSeparator());
        System.out.flush();
    }

    void show(List<Result> results) {
        System.out.print(terminal ? "\r\033[K" : "");
        System.out.println();
        System.out.println(table(results));
    }

    String table(List<Result> results) {
        StringBuilder table = new StringBuilder();
        table.append(String.format(Locale.ROOT, ROW, "", "once", "twice", "left", "contended A B", "time", ""))
                .append('\n');
        for (Result result : results) {
            String row = String.format(
                    Locale.ROOT,
                    ROW,
                    result.way().title(),
                    result.once(),
                    result.twice(),
                    result.left(),
                    String.join(" ", result.contended()),
                    String.format(Locale.ROOT, "%.1f s", result.time().toMillis() / 1000.0),
                    result.verdict());
            table.append(colour(row, result)).append('\n');
        }
        return table.toString();
    }

    private String colour(String row, Result result) {
        if (!terminal) {
            return row;
        }
        return (result.everyInvoiceOnce() ? "\033[32m" : "\033[31m") + row + "\033[0m";
    }
}
