package io.github.invoicelock;

import java.util.ArrayList;
import java.util.List;

/**
 * A text file as a spreadsheet takes it apart. A cell that begins with a quotation mark ends with the next single one, and what follows up to the
 * separator belongs to it; in the middle of a cell quotation marks mean nothing.
 */
final class Spreadsheet {
    private Spreadsheet() {}

    /** All cells of all lines. */
    static List<String> cells(String text, char separator) {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        boolean begins = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                boolean twice = c == '"' && i + 1 < text.length() && text.charAt(i + 1) == '"';
                quoted = c != '"' || twice;
                if (quoted) {
                    cell.append(c);
                }
                i += twice ? 1 : 0;
            } else if (c == '"' && begins) {
                quoted = true;
                begins = false;
            } else if (c == separator || c == '\r' || c == '\n') {
                cells.add(cell.toString());
                cell.setLength(0);
                begins = true;
            } else {
                cell.append(c);
                begins = false;
            }
        }
        cells.add(cell.toString());
        return cells;
    }

    /** What it would run. A number is none; blanks and quotation marks before it are forgiven. */
    static boolean isFormula(String cell) {
        String begun = cell.replaceFirst("^[\\s\"]+", "");
        return !begun.isEmpty()
                && "=+-@\uFF1D\uFF0B\uFF0D\uFF20".indexOf(begun.charAt(0)) >= 0
                && !begun.matches("[+-]?\\d+(\\.\\d+)?");
    }
}
