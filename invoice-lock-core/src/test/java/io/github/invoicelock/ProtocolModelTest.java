package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The model of the protocol holds, and fails where a rule is left out: checked where Spin and a C compiler are installed. */
@Tag(Thorough.TAG)
class ProtocolModelTest {
    private static final Path CHECK = Path.of("..", "docs", "protocol", "check.sh");

    @Test
    void every_verdict_on_the_model_is_as_expected() throws Exception {
        List<String> missing = Stream.of("bash", "spin", "gcc")
                .filter(tool -> !installed(tool))
                .toList();
        if (!missing.isEmpty()) {
            String reason = "The protocol's model is not checked: " + missing + " not on the PATH.";
            System.out.println(reason);
            assumeTrue(false, reason);
        }

        Process check = new ProcessBuilder("bash", CHECK.toString(), "--quick")
                .redirectErrorStream(true)
                .start();
        check.getOutputStream().close();
        String table = new String(check.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);

        assertThat(check.waitFor()).as(table).isZero();
        assertThat(table).contains("verdicts are as expected").doesNotContain("not checked");
    }

    private static boolean installed(String tool) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
    }
}
