package io.github.invoicelock.console;

import io.github.invoicelock.console.pages.Frame;
import java.util.ArrayList;
import java.util.List;

/**
 * The fields of a snapshot, as PostgreSQL prints a JSON object. Only its outermost fields are told apart: what is in one is handed on as it is
 * printed.
 */
final class SnapshotFields {
    private final String json;
    private int at;

    private SnapshotFields(String json) {
        this.json = json;
    }

    /** Each as the host lets it be shown. */
    static List<Frame.Field> of(String json, ConsoleSettings.Masking masking) {
        return new SnapshotFields(json).fields(masking);
    }

    private List<Frame.Field> fields(ConsoleSettings.Masking masking) {
        List<Frame.Field> fields = new ArrayList<>();
        expect('{');
        skipBlanks();
        while (json.charAt(at) != '}') {
            String name = string();
            expect(':');
            String value = value();
            fields.add(new Frame.Field(name, masking.shown(name, value)));
            skipBlanks();
            if (json.charAt(at) == ',') {
                at++;
                skipBlanks();
            }
        }
        return fields;
    }

    private void expect(char wanted) {
        skipBlanks();
        if (json.charAt(at) != wanted) {
            throw new IllegalStateException(
                    "A snapshot is no JSON object as PostgreSQL prints it, at character " + at + ".");
        }
        at++;
    }

    private void skipBlanks() {
        while (Character.isWhitespace(json.charAt(at))) {
            at++;
        }
    }

    private String value() {
        skipBlanks();
        return switch (json.charAt(at)) {
            case '"' -> string();
            case '{', '[' -> nested();
            default -> simple();
        };
    }

    private String simple() {
        int from = at;
        while (",}] \n".indexOf(json.charAt(at)) < 0) {
            at++;
        }
        return json.substring(from, at);
    }

    private String nested() {
        int from = at;
        int depth = 0;
        do {
            char c = json.charAt(at);
            if (c == '"') {
                string();
                continue;
            }
            depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
            at++;
        } while (depth > 0);
        return json.substring(from, at);
    }

    private String string() {
        expect('"');
        StringBuilder text = new StringBuilder();
        for (char c = json.charAt(at); c != '"'; c = json.charAt(at)) {
            at++;
            text.append(c == '\\' ? escaped() : c);
        }
        at++;
        return text.toString();
    }

    private char escaped() {
        char c = json.charAt(at++);
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'u' -> {
                at += 4;
                yield (char) Integer.parseInt(json.substring(at - 4, at), 16);
            }
            default -> c;
        };
    }
}
