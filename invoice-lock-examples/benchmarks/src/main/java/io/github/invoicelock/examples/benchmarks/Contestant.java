package io.github.invoicelock.examples.benchmarks;

/** One way to bill, on one server. Used by one thread. */
interface Contestant extends AutoCloseable {
    /**
     * What is not measured: connections, and, where jobs are put into a queue first, that queue.
     *
     * @param first whether this server is the one that fills the queue
     * @throws Exception if it cannot be done
     */
    void prepare(boolean first) throws Exception;

    /**
     * What is measured: bills until nothing is left for this server, or the time is over.
     *
     * @throws Exception if billing fails
     */
    void bill() throws Exception;

    /** Ends what it has started; the connections are the server's. */
    @Override
    default void close() {}
}
