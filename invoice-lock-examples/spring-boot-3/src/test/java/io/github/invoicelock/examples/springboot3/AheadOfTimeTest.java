package io.github.invoicelock.examples.springboot3;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host whose context was processed ahead of time, as for a native image: beans and hints are those of the library. */
@Tag("thorough")
class AheadOfTimeTest {
    private static final String CLASS_PATH = System.getProperty("java.class.path");

    @TempDir
    Path folder;

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void the_only_biller_and_its_console_start_from_what_was_generated() throws Exception {
        assertThat(processedAndRun(
                        WebHost.class,
                        "server.port=0",
                        "invoice-lock.gateway=gateway",
                        "invoice-lock.console.enabled=true",
                        "invoice-lock.console.look=HEAD_OF_BILLING"))
                .contains("billed 5", "/invoice-lock/ 200", "/invoice-lock/console.css 200");
    }

    @Test
    void several_billers_start_from_what_was_generated() throws Exception {
        assertThat(processedAndRun(
                        AotHost.class,
                        "spring.main.web-application-type=none",
                        "invoice-lock.billers.cards.invoices=everything"))
                .contains("cardsBiller billed 5");
    }

    private String processedAndRun(Class<?> main, String... properties) throws Exception {
        Path sources = Files.createDirectories(folder.resolve("sources"));
        Path classes = Files.createDirectories(folder.resolve("classes"));
        List<String> settings =
                new ArrayList<>(List.of("spring.datasource.url=" + database.jdbcUrl(), "spring.main.banner-mode=off"));
        settings.addAll(List.of(properties));
        // A folder of their own: the processor empties those that it writes to.
        Path said = Files.createDirectories(folder.resolve("settings"));
        Files.write(said.resolve("application.properties"), settings);
        String classPath = said + File.pathSeparator + classes + File.pathSeparator + CLASS_PATH;
        String host = main.getName();
        JavaRun.of(
                folder,
                classPath,
                "org.springframework.boot.SpringApplicationAotProcessor",
                host,
                sources.toString(),
                classes.toString(),
                classes.toString(),
                "io.github.invoicelock",
                "aot");
        compile(sources, classes);
        assertThat(hints(classes))
                .contains("io/github/invoicelock/journal/")
                .contains("io/github/invoicelock/console/console.")
                .contains("newVirtualThreadPerTaskExecutor")
                .contains("com.zaxxer.hikari.HikariDataSource");
        return JavaRun.of(folder, classPath, "-Dspring.aot.enabled=true", host);
    }

    /** What a native image is told. */
    private static String hints(Path classes) throws IOException {
        StringBuilder hints = new StringBuilder();
        try (Stream<Path> files = Files.walk(classes.resolve("META-INF/native-image"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                hints.append(Files.readString(file).replace("\\/", "/"));
            }
        }
        return hints.toString();
    }

    private static void compile(Path sources, Path classes) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "-nowarn", "-proc:none", "-d", classes.toString(), "-cp", classes + File.pathSeparator + CLASS_PATH));
        try (Stream<Path> files = Files.walk(sources)) {
            files.filter(file -> file.toString().endsWith(".java"))
                    .map(Path::toString)
                    .forEach(arguments::add);
        }
        assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(String[]::new)))
                .as("what was generated compiles")
                .isZero();
    }
}
