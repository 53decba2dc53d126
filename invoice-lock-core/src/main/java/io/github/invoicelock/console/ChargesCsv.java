package io.github.invoicelock.console;

import io.github.invoicelock.ProviderCharge;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A provider's list as a person hands it over: comma or semicolon, a first line with names, quotation marks where they are needed. */
final class ChargesCsv {
    private static final int MOST = 200_000;
    private static final int MOST_DIGITS = 40;
    /** Some programs begin a file with it. */
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private final String text;
    private final char separator;
    private int at;
    private int line = 1;

    private ChargesCsv(String given) {
        String list = given.startsWith(BYTE_ORDER_MARK) ? given.substring(1) : given;
        this.text = list.endsWith("\n") ? list : list + "\n";
        String first = this.text.substring(0, this.text.indexOf('\n'));
        this.separator = first.indexOf(';') >= 0 ? ';' : ',';
    }

    /**
     * Reads all of it.
     *
     * @throws BadInput naming the line
     */
    static List<ProviderCharge> read(String text) {
        return new ChargesCsv(text).charges();
    }

    private List<ProviderCharge> charges() {
        List<String> names = row().stream()
                .map(name -> name.strip().toLowerCase(Locale.ROOT))
                .toList();
        if (!names.contains("reference") || !names.contains("time")) {
            throw new BadInput(
                    "The first line is " + names
                            + "; it must name the columns: reference and time, and where they are known key, invoice and amount.");
        }
        List<ProviderCharge> charges = new ArrayList<>();
        while (at < text.length()) {
            int began = line;
            List<String> cells = row();
            if (cells.size() == 1 && cells.get(0).isBlank()) {
                continue;
            }
            charges.add(charge(names, cells, began));
            if (charges.size() > MOST) {
                throw new BadInput(
                        "The list has over " + MOST + " lines. Compare it in parts, or call reconcile in a program.");
            }
        }
        return charges;
    }

    private static ProviderCharge charge(List<String> names, List<String> cells, int line) {
        String reference = cell(names, cells, "reference");
        String time = cell(names, cells, "time");
        if (reference == null || time == null) {
            throw new BadInput("Line " + line + " has no reference, or no time.");
        }
        String amount = cell(names, cells, "amount");
        try {
            return new ProviderCharge(
                    cell(names, cells, "key"),
                    cell(names, cells, "invoice"),
                    reference,
                    amount == null ? null : amount(amount),
                    instant(time));
        } catch (DateTimeException | NumberFormatException e) {
            throw new BadInput("Line " + line + " has the time \"" + time + "\" and the amount \"" + amount
                    + "\". Write 2026-11-30T09:00:00Z, or the seconds since 1970, and 10.50.");
        }
    }

    private static BigDecimal amount(String text) {
        BigDecimal amount = new BigDecimal(text);
        if (amount.precision() > MOST_DIGITS || Math.abs(amount.scale()) > MOST_DIGITS) {
            throw new NumberFormatException("No amount of money");
        }
        return amount;
    }

    /** As ISO 8601 has it, or as providers count. */
    private static Instant instant(String time) {
        return time.chars().allMatch(Character::isDigit)
                ? Instant.ofEpochSecond(Long.parseLong(time))
                : OffsetDateTime.parse(time).toInstant();
    }

    private static @Nullable String cell(List<String> names, List<String> cells, String name) {
        int index = names.indexOf(name);
        String cell = index < 0 || index >= cells.size() ? "" : cells.get(index).strip();
        return cell.isEmpty() ? null : cell;
    }

    /** One line, which a cell in quotation marks may break. */
    private List<String> row() {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '\n') {
                line++;
            }
            if (quoted) {
                boolean twice = c == '"' && at < text.length() && text.charAt(at) == '"';
                if (c != '"' || twice) {
                    cell.append(c);
                }
                at += twice ? 1 : 0;
                quoted = c != '"' || twice;
            } else if (c == '"') {
                quoted = true;
            } else if (c == separator) {
                cells.add(cell.toString());
                cell.setLength(0);
            } else if (c == '\n') {
                cells.add(cell.toString());
                return cells;
            } else if (c != '\r') {
                cell.append(c);
            }
        }
        throw new BadInput("The list ends within quotation marks.");
    }
}
