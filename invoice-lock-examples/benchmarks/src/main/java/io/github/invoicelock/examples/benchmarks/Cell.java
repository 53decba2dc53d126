package io.github.invoicelock.examples.benchmarks;

/**
 * One thing to be measured.
 *
 * @param section what it is measured for; cells of one section are compared with one another
 * @param contender who bills
 * @param listener who listens to it, if it is the library
 * @param servers how many JVMs
 * @param waits for the provider and the database
 * @param pending how many invoices are pending
 * @param paid how many more are paid
 * @param mix what the pending ones are like
 */
record Cell(
        String section,
        Contender contender,
        Listener listener,
        int servers,
        Waits waits,
        int pending,
        int paid,
        Mix mix) {
    /** The same with another listener. */
    Cell with(Listener other) {
        return new Cell(section, contender, other, servers, waits, pending, paid, mix);
    }

    /** The same with other waits and other invoices. */
    Cell with(Waits others, int otherPending) {
        return new Cell(section, contender, listener, servers, others, otherPending, paid, mix);
    }

    /** For people. */
    String title() {
        return contender.family == Contender.Family.INVOICE_LOCK ? contender.title + listener.suffix : contender.title;
    }

    /** Whether each repetition is to be the first of its servers. */
    boolean cold() {
        return section.equals(Plan.COLD);
    }
}
