package io.github.invoicelock.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What {@code docs/testkit.md} shows is what runs. */
class TestkitPageTest {
    private static final Path EXAMPLE =
            Path.of("src/test/java/io/github/invoicelock/testkit/example/MyGatewayTest.java");

    @Test
    void its_example_is_the_test_that_runs() throws IOException {
        String shown = only(page(), "```java\n(.*?)```");

        assertThat(shown).isEqualTo(only(Files.readString(EXAMPLE), "// tag::test\\[]\n(.*?)// end::test\\[]"));
    }

    @Test
    void its_table_names_every_check() throws IOException {
        List<String> named = matches(page(), "(?m)^\\| `([a-z_0-9]+)` \\|");

        assertThat(named)
                .containsExactlyInAnyOrderElementsOf(Stream.of(BillingGatewayContract.class.getDeclaredMethods())
                        .filter(method -> method.isAnnotationPresent(Test.class))
                        .map(java.lang.reflect.Method::getName)
                        .toList());
    }

    @Test
    void its_number_of_broken_gateways_is_right() throws IOException {
        long broken = Stream.of(BillingGatewayContractTest.class.getDeclaredClasses())
                .filter(nested -> nested.isAnnotationPresent(BillingGatewayContractTest.CaughtBy.class))
                .count();

        assertThat(only(page(), "each of (\\d+) deliberately broken")).isEqualTo(String.valueOf(broken));
    }

    private static String page() throws IOException {
        return Files.readString(Path.of("../docs/testkit.md"));
    }

    private static String only(String text, String pattern) {
        List<String> found = matches(text, pattern);
        assertThat(found).as("%s", pattern).hasSize(1);
        return found.get(0);
    }

    private static List<String> matches(String text, String pattern) {
        return Pattern.compile(pattern, Pattern.DOTALL)
                .matcher(text)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
    }
}
