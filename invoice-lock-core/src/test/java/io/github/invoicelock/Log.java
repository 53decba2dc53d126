package io.github.invoicelock;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What is logged meanwhile: by the tests' logger, to standard error. */
final class Log {
    private static volatile ByteArrayOutputStream log = new ByteArrayOutputStream();

    private Log() {}

    static String of(Runnable work) {
        PrintStream before = System.err;
        log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            work.run();
        } finally {
            System.setErr(before);
        }
        return now();
    }

    /** While it goes on. */
    static String now() {
        return log.toString(StandardCharsets.UTF_8);
    }
}
