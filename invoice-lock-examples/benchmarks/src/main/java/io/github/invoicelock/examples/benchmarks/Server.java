package io.github.invoicelock.examples.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;

/** A server: a JVM of its own, which bills each time it is told to. */
final class Server {
    private Server() {}

    /**
     * Bills until its standard input ends. For each repetition it is told to go twice: to prepare, and to bill.
     *
     * @param arguments the contender, the database, the provider's time and the longest time in milliseconds, the mix, the listener, how many
     *     calls and connections it has at once, how many repetitions warm up and the provider's time in them, whether it is the first
     * @throws Exception if billing fails
     */
    public static void main(String[] arguments) throws Exception {
        Contender contender = Contender.valueOf(arguments[0]);
        Connections connections = new Connections(arguments[1]);
        Job job = new Job(
                connections,
                Duration.ofMillis(Long.parseLong(arguments[2])),
                Mix.valueOf(arguments[4]),
                Duration.ofMillis(Long.parseLong(arguments[3])),
                new Slots(Integer.parseInt(arguments[6]), Integer.parseInt(arguments[7])),
                Listener.valueOf(arguments[5]));
        int warmups = Integer.parseInt(arguments[8]);
        Duration warmUpTime = Duration.ofMillis(Long.parseLong(arguments[9]));
        boolean first = Boolean.parseBoolean(arguments[10]);
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        System.out.println("STARTED");
        while (toldToGo()) {
            Provider provider = new Provider(warmups > 0 ? warmUpTime : job.providerTime());
            warmups--;
            try (Contestant contestant = contender.on(job, provider)) {
                contestant.prepare(first);
                System.out.println("READY");
                if (!toldToGo()) {
                    break;
                }
                long before = system.getProcessCpuTime();
                contestant.bill();
                long nanos = system.getProcessCpuTime() - before;
                System.out.println("BILLED " + provider.calls() + " " + provider.twice() + " " + nanos);
            }
            connections.reportStatistics();
            System.out.println("CLOSED");
        }
        connections.close();
        System.exit(0);
    }

    private static boolean toldToGo() throws IOException {
        int read = System.in.read();
        while (read >= 0 && read != '\n') {
            read = System.in.read();
        }
        return read >= 0;
    }
}
