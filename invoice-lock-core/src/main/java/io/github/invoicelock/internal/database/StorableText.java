package io.github.invoicelock.internal.database;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes a text of the host's one that the database can store (R20): without the character NUL, without halves of surrogate pairs, and
 * without characters that {@code server_encoding} lacks. What cannot be stored becomes U+FFFD, or a question mark where that is lacking,
 * too. Thread-safe.
 */
public final class StorableText {
    private static final char UNKNOWN = '\uFFFD';
    private static final char QUESTION_MARK = '?';

    /**
     * Java's names of PostgreSQL's encodings of one byte a character, where both agree (the test asks PostgreSQL about every character). Of
     * any other only ASCII is believed.
     */
    private static final Map<String, String> CHARSETS = Map.ofEntries(
            Map.entry("LATIN1", "ISO-8859-1"),
            Map.entry("LATIN2", "ISO-8859-2"),
            Map.entry("LATIN3", "ISO-8859-3"),
            Map.entry("LATIN4", "ISO-8859-4"),
            Map.entry("LATIN5", "ISO-8859-9"),
            Map.entry("LATIN7", "ISO-8859-13"),
            Map.entry("LATIN9", "ISO-8859-15"),
            Map.entry("LATIN10", "ISO-8859-16"),
            Map.entry("ISO_8859_5", "ISO-8859-5"),
            Map.entry("ISO_8859_6", "ISO-8859-6"),
            Map.entry("ISO_8859_7", "ISO-8859-7"),
            Map.entry("ISO_8859_8", "ISO-8859-8"),
            Map.entry("KOI8R", "KOI8-R"),
            Map.entry("KOI8U", "KOI8-U"),
            Map.entry("WIN866", "IBM866"),
            Map.entry("WIN874", "x-windows-874"),
            Map.entry("WIN1250", "windows-1250"),
            Map.entry("WIN1251", "windows-1251"),
            Map.entry("WIN1252", "windows-1252"),
            Map.entry("WIN1253", "windows-1253"),
            Map.entry("WIN1254", "windows-1254"),
            Map.entry("WIN1255", "windows-1255"),
            Map.entry("WIN1256", "windows-1256"),
            Map.entry("WIN1257", "windows-1257"),
            Map.entry("WIN1258", "windows-1258"));

    /** Null where every character can be stored. */
    private final @Nullable Charset charset;

    private StorableText(@Nullable Charset charset) {
        this.charset = charset;
    }

    /** For the encoding of a server's database. */
    public static StorableText on(Server server) {
        return in(server.encoding());
    }

    static StorableText in(String encoding) {
        String name = encoding.toUpperCase(Locale.ROOT);
        if (name.equals("UTF8") || name.equals("SQL_ASCII")) {
            // SQL_ASCII stores whatever bytes come.
            return new StorableText(null);
        }
        String charset = CHARSETS.get(name);
        boolean known = charset != null && Charset.isSupported(charset);
        return new StorableText(known ? Charset.forName(charset) : StandardCharsets.US_ASCII);
    }

    /** The text as it can be stored. */
    public String of(String text) {
        for (int i = 0; i < text.length(); i++) {
            char each = text.charAt(i);
            if (each == 0 || each > 0x7F) {
                return mended(text);
            }
        }
        return text;
    }

    /** The same for a text that may be missing. */
    public @Nullable String ofNullable(@Nullable String text) {
        return text == null ? null : of(text);
    }

    private String mended(String text) {
        Charset lacking = charset;
        if (lacking != null) {
            // All at once: to ask an encoder about each character that it lacks takes seconds for a long text.
            return new String(text.getBytes(lacking), lacking).replace('\0', QUESTION_MARK);
        }
        StringBuilder storable = new StringBuilder(text.length());
        text.codePoints().forEach(each -> {
            boolean half = each >= Character.MIN_SURROGATE && each <= Character.MAX_SURROGATE;
            storable.appendCodePoint(each == 0 || half ? UNKNOWN : each);
        });
        return storable.toString();
    }
}
