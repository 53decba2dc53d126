package io.github.invoicelock.examples.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A JVM started with this one's class path, told and heard over its standard streams, ended by its handle. What it says is never lost. */
public final class JavaProcess implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 60;
    private static final int LONGEST_SILENCE_SECONDS = 600;

    private final Process process;
    private final BlockingQueue<Optional<String>> said = new LinkedBlockingQueue<>();

    private JavaProcess(Process process) {
        this.process = process;
        Thread listener = new Thread(this::listen, "listener-" + process.pid());
        listener.setDaemon(true);
        listener.start();
    }

    private void listen() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            lines.lines().forEach(line -> said.add(Optional.of(line)));
        } catch (IOException | UncheckedIOException e) {
            said.add(Optional.of("cannot be heard: " + e));
        }
        said.add(Optional.empty());
    }

    /**
     * Starts one.
     *
     * @param main its class
     * @param arguments of its main method
     * @return the process
     * @throws IOException if it does not start
     */
    public static JavaProcess start(Class<?> main, String... arguments) throws IOException {
        return start(List.of(), main, arguments);
    }

    /**
     * Starts one with options of the JVM.
     *
     * @param options for example {@code -Xmx64m}
     * @param main its class
     * @param arguments of its main method
     * @return the process
     * @throws IOException if it does not start
     */
    public static JavaProcess start(List<String> options, Class<?> main, String... arguments) throws IOException {
        return start(Map.of(), options, main, arguments);
    }

    /**
     * Starts one with options of the JVM and an environment.
     *
     * @param environment what it has besides this one's: what not every user of the machine should read, as they read arguments
     * @param options for example {@code -Xmx64m}
     * @param main its class
     * @param arguments of its main method
     * @return the process
     * @throws IOException if it does not start
     */
    public static JavaProcess start(
            Map<String, String> environment, List<String> options, Class<?> main, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-Dorg.jooq.no-logo=true",
                "-Dorg.jooq.no-tips=true"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        Process process = builder.start();
        // Ctrl-C leaves nothing behind.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        return new JavaProcess(process);
    }

    /**
     * Waits for a line that begins so.
     *
     * @param beginning of the line
     * @return the rest of it; empty if the process ended before, or says nothing for ten minutes
     */
    public String awaitLine(String beginning) {
        try {
            Optional<String> line = said.poll(LONGEST_SILENCE_SECONDS, TimeUnit.SECONDS);
            while (line != null && line.isPresent()) {
                if (line.get().startsWith(beginning)) {
                    return line.get().substring(beginning.length()).strip();
                }
                line = said.poll(LONGEST_SILENCE_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return "";
    }

    /**
     * Sends an empty line.
     *
     * @throws IOException if it has ended
     */
    public void tellGo() throws IOException {
        OutputStream in = process.getOutputStream();
        in.write('\n');
        in.flush();
    }

    /**
     * Whether it runs.
     *
     * @return false once it has ended
     */
    public boolean alive() {
        return process.isAlive();
    }

    /**
     * Its number.
     *
     * @return for signals
     */
    public long pid() {
        return process.pid();
    }

    /** Ends it with SIGKILL, and waits until it is gone. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /**
     * Asks it to end with SIGTERM, and waits until it has.
     *
     * @return its exit value
     */
    public int terminate() {
        process.destroy();
        return process.onExit().join().exitValue();
    }

    /** Closes its standard input, and waits until it has ended; kills it if it does not. */
    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
