package io.github.invoicelock.examples.benchmarks;

/**
 * One thing to be measured.
 *
 * @param section what it is measured for; cells of one section are compared with one another
 * @param contender who bills
 * @param servers how many JVMs
 * @param providerMillis how long the provider takes to answer
 * @param pending how many invoices are pending
 * @param paid how many more are paid
 * @param mix what the pending ones are like
 */
record Cell(String section, Contender contender, int servers, int providerMillis, int pending, int paid, Mix mix) {}
