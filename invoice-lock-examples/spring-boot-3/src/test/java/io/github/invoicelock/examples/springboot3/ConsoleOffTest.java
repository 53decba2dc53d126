package io.github.invoicelock.examples.springboot3;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.console.ConsoleServlet;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Off means off: no class of the console is loaded, there is no such path, and nothing that it needs is asked for. */
@Tag("thorough")
class ConsoleOffTest {
    private static final String CLASS_PATH = System.getProperty("java.class.path");
    private static final Pattern OF_THE_CONSOLE =
            Pattern.compile("(io\\.github\\.invoicelock\\.console|gg\\.jte)\\..*");

    @TempDir
    Path folder;

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @AfterEach
    void close() {
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--a.property=of-the-hosts", "--invoice-lock.console.enabled=false"})
    void no_class_of_it_is_loaded_and_its_path_is_none(String property) throws Exception {
        assertThat(JavaRun.of(
                        folder,
                        CLASS_PATH,
                        "-Xlog:class+load=info:file=" + folder.resolve("classes.log"),
                        WebHost.class.getName(),
                        "--server.port=0",
                        "--invoice-lock.gateway=gateway",
                        "--spring.datasource.url=" + database.jdbcUrl(),
                        property))
                .contains("billed 5", "/invoice-lock/ 404", "/invoice-lock/console.css 404");

        assertThat(ConsoleServlet.class.getName()).matches(OF_THE_CONSOLE);
        assertThat(loaded())
                .contains("io.github.invoicelock.LockingInvoiceBiller", "org.apache.catalina.startup.Tomcat")
                .noneMatch(OF_THE_CONSOLE.asMatchPredicate());
    }

    @Test
    void an_application_starts_that_has_no_servlets_no_templates_and_no_security() throws Exception {
        String without = Stream.of(CLASS_PATH.split(Pattern.quote(File.pathSeparator)))
                .filter(each ->
                        !new File(each).getName().matches("(jte-runtime|tomcat-embed|spring-web|spring-security).*"))
                .reduce((one, next) -> one + File.pathSeparator + next)
                .orElseThrow();

        assertThat(JavaRun.of(
                        folder, without, AotHost.class.getName(), "--spring.datasource.url=" + database.jdbcUrl()))
                .contains("lockingInvoiceBiller billed 5");
    }

    /** As the JVM tells: {@code [0.012s][info][class,load] the.Class source: where it is from}. */
    private List<String> loaded() throws IOException {
        try (Stream<String> lines = Files.lines(folder.resolve("classes.log"))) {
            return lines.filter(line -> line.contains(" source: "))
                    .map(line -> line.replaceFirst("^.*\\] ", "").replaceFirst(" source: .*", ""))
                    .toList();
        }
    }
}
