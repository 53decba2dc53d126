package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.endsInTime;
import static io.github.invoicelock.testkit.Requirement.require;
import static io.github.invoicelock.testkit.Requirement.unknown;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;

/** What {@code bill} makes of an answer that does not come: it ends in time, and nobody knows (R2, R7). */
final class SilenceChecks {
    private final Bench bench;
    private final GatewayUnderTest host;

    SilenceChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void a_lost_answer_is_unknown() {
        unknown(
                "The provider charged, and the connection broke before its answer",
                bench.bill(bench.request(host.invoice()), Fault.ANSWER_LOST).told());
    }

    void a_time_out_is_unknown() {
        Told told = bench.hungBill().told();
        if (told.ended()) { // else it is for another check to complain
            unknown("The provider charged, and did not answer within request.timeout()", told);
        }
    }

    void a_call_that_hangs_ends_by_its_time_out() {
        endsInTime("bill", bench.hungBill().told());
    }

    void an_interrupted_call_ends_and_claims_nothing() {
        BillingRequest request = bench.request(
                host.invoice(),
                Bench.newKey(),
                1,
                host.endsWhenInterrupted() ? Duration.ofMinutes(10) : host.timeout());
        BillingGateway gateway = bench.connected();
        bench.wire().befalls(host::charges, Fault.SILENCE);
        Conversation call = Conversation.start(bench.wire(), () -> gateway.bill(request));
        boolean sent = bench.wire().awaits(host::charges, Bench.AMPLE);
        require(
                sent,
                () -> "Within " + Bench.AMPLE + " it sent nothing that charges.",
                "Nothing can be checked.",
                "The gateway must send its requests to the address given to gateway(URI).");
        call.interrupt();
        Told told = call.end((host.endsWhenInterrupted() ? Duration.ZERO : request.timeout()).plus(host.margin()));

        require(
                told.ended(),
                () -> "It was interrupted while the provider was silent, and " + told.words() + ".",
                "The library interrupts a call that took too long. One that stays keeps its thread: a provider that hangs uses up"
                        + " all of them.",
                "Use a client that can be interrupted, and do not swallow InterruptedException. If the client blocks in a socket,"
                        + " pass request.timeout() to it and override endsWhenInterrupted() with false.");
        unknown("The provider charged, and the call was interrupted", told);
    }

    void a_refused_connection_is_no_refusal() {
        Told told;
        try (Socket taken = new Socket()) {
            taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // bound and not listening
            BillingGateway gateway = host.gateway(bench.wire().at(taken.getLocalPort()));
            BillingRequest request = bench.request(host.invoice());
            told = Conversation.start(bench.wire(), () -> gateway.bill(request)).end(bench.patience(request));
        } catch (IOException e) {
            throw new UncheckedIOException("No port on loopback could be taken", e);
        }
        require(
                told.notBilled() || told.nothingKnown(),
                () -> "The provider's port refused the connection, and it " + told.words() + ".",
                told.charged()
                        ? "The invoice is marked as paid, and nobody paid: the money is lost."
                        : "Nobody refused this charge: an outage would turn good invoices into refused ones.",
                "Answer BillingOutcome.notBilled(reason), or let the exception pass.");
    }
}
