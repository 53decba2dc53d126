package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What the tests of the documentation rely on. */
class DocsTest {
    private static final Docs PAGE = new Docs("docs/a.md", """
            # A page: with (signs), `code` and 3 words

            See [b](b.md#2-two), [there](https://example.org/x) and [here](#a-page-with-signs-code-and-3-words).

            <!-- snippet: A.java#one -->
            ```java
            class A {
                int one;
            }
            ```

            1. In a list:

               <!-- privileges: app -->
               ```sql
               grant a to app;
               grant b
                   to app;
               ```

            ```sh
            # not a heading, and [no](link)
            ```
            """);

    @Test
    void blocks_come_with_their_mark_and_without_the_indentation_of_the_fence() {
        assertThat(PAGE.blocks())
                .containsExactly(
                        new Docs.Block("snippet: A.java#one", "java", "class A {\n    int one;\n}"),
                        new Docs.Block("privileges: app", "sql", "grant a to app;\ngrant b\n    to app;"),
                        new Docs.Block(null, "sh", "# not a heading, and [no](link)"));
        assertThat(PAGE.statements("app")).containsExactly("grant a to app", "grant b\n    to app");
        assertThat(PAGE.statements("other")).isEmpty();
    }

    @Test
    void links_and_anchors_are_those_of_the_text() {
        assertThat(PAGE.links()).containsExactly("b.md#2-two", "#a-page-with-signs-code-and-3-words");
        assertThat(PAGE.anchors()).containsExactly("a-page-with-signs-code-and-3-words");
        assertThat(PAGE.target("b.md#2-two")).endsWithRaw(java.nio.file.Path.of("docs", "b.md"));
        assertThat(PAGE.target("../README.md")).exists();
    }

    @Test
    void a_region_is_all_that_is_tagged_with_its_name_without_other_tags() {
        String source = """
                class B {
                    // tag::x[]
                    int a;
                    // tag::y[]
                    int b;
                    // end::y[]
                    // end::x[]
                    int c;
                    // tag::x[]
                    int d;
                    // end::x[]
                }
                """;

        assertThat(Docs.tagged(source, "x")).isEqualTo("int a;\nint b;\n\nint d;");
        assertThat(Docs.tagged(source, "y")).isEqualTo("int b;");
        assertThatThrownBy(() -> Docs.tagged(source, "z")).hasMessage("No closed region z");
        assertThatThrownBy(() -> Docs.source("Nowhere.java")).hasMessageContaining("There are 0 files Nowhere.java");
    }
}
