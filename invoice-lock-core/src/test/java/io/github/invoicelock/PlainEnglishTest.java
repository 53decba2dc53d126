package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The pages can be read once, by somebody who is tired: sentences are short, and nobody has to learn this project's own idioms. */
class PlainEnglishTest {
    private static final int MOST_WORDS = 30;

    private static final Pattern IDIOM =
            Pattern.compile("(?i)\\b(for ever|whoever|of yours|to be had|the same door)\\b");
    /** A code span or a link's address, however long, is read at a glance. */
    private static final Pattern CODE = Pattern.compile("`[^`]*`");

    private static final Pattern LINK =
            Pattern.compile("!?\\[([^\\]\\[]*)]\\([^()\\s]*(?:\\([^()\\s]*\\)[^()\\s]*)*\\)");
    private static final Pattern COMMENT = Pattern.compile("(?s)<!--.*?-->");
    /** A paragraph, an item of a list, a heading and a cell of a table each begin anew. */
    private static final Pattern PASSAGE =
            Pattern.compile("\\R\\s*(?:[-*]|\\d+\\.) |\\R\\s*\\R|\\R(?=#)|(?<=\\n)#.*\\R|\\s*\\|\\s*");

    private static final Pattern END = Pattern.compile("(?<=[.!?])[)*\"]*\\s+(?=\\S)|(?<=:)\\s*\\R");

    static Stream<String> pages() {
        return Docs.all().stream().map(Docs::path);
    }

    @ParameterizedTest
    @MethodSource("pages")
    void no_sentence_has_more_than_thirty_words(String path) {
        assertThat(sentences(Docs.page(path)).filter(sentence -> words(sentence) > MOST_WORDS))
                .as("sentences of more than %d words in %s: split them", MOST_WORDS, path)
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void no_page_speaks_in_idioms_of_its_own(String path) {
        assertThat(IDIOM.matcher(Docs.page(path).withoutCode()).results().map(match -> match.group()))
                .as("idioms in %s", path)
                .isEmpty();
    }

    @Test
    void code_spans_and_links_count_as_what_is_read_of_them() {
        Docs page = new Docs("docs/a.md", """
                # A heading

                One `two three` [four five](a.md#b). A second
                sentence: with 4.5 of it?

                - An item
                - Another. | a cell | b |
                """);

        assertThat(sentences(page))
                .containsExactly(
                        "One `` four five.",
                        "A second sentence: with 4.5 of it?",
                        "An item",
                        "Another.",
                        "a cell",
                        "b");
        assertThat(sentences(page).map(PlainEnglishTest::words)).containsExactly(4, 7, 2, 1, 2, 1);
    }

    private static Stream<String> sentences(Docs page) {
        String text = COMMENT.matcher(page.withoutCode()).replaceAll("");
        String read = LINK.matcher(CODE.matcher(text).replaceAll("``")).replaceAll("$1");
        return PASSAGE.splitAsStream("\n" + read)
                .flatMap(END::splitAsStream)
                .map(sentence -> sentence.replaceAll("\\s+", " ").strip())
                .filter(sentence -> !sentence.isEmpty());
    }

    private static int words(String sentence) {
        return (int) Stream.of(sentence.split("[\\s—·]+", -1))
                .filter(word -> word.matches(".*[\\p{L}\\p{N}`].*"))
                .count();
    }
}
