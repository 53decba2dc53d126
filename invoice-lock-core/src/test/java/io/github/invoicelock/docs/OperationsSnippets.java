package io.github.invoicelock.docs;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Quoted by docs/operations.md. */
public final class OperationsSnippets {
    private OperationsSnippets() {}

    // tag::retry-all[]
    /** Releases all that wait for one cause; returns why some could not be. */
    public static List<String> retryAll(LockingInvoiceBiller biller, AttemptCause cause) {
        List<String> refused = new ArrayList<>();
        for (BillingAttempt attempt : biller.needsAttention()) {
            if (attempt.cause() == cause) {
                try {
                    biller.retry(attempt.invoiceId());
                } catch (InvoiceLockException e) { // no longer pending, for one
                    refused.add(e.getMessage());
                }
            }
        }
        return refused;
    }
    // end::retry-all[]

    // tag::write-back[]
    /** Tells the journal of charges that it has lost; returns what is left for a person. */
    public static List<Reconciliation.Finding> afterARestore(
            LockingInvoiceBiller biller, Stream<ProviderCharge> charges, Instant restoredPoint, String who) {
        try (Reconciliation compared = biller.reconcile(charges, restoredPoint, Instant.now())) {
            System.out.println(compared); // Reconciliation{MATCHED=812, NOT_RECORDED=47, CHARGED_TWICE=1}
            System.out.println(compared.writeBack(who)); // WrittenBack[charges=47, unmarked=0, failures=[]]
            return Stream.of(Reconciliation.Kind.values())
                    .filter(kind -> kind != Reconciliation.Kind.MATCHED && kind != Reconciliation.Kind.NOT_RECORDED)
                    .flatMap(compared::findings)
                    .limit(1_000)
                    .toList();
        }
    }
    // end::write-back[]

    // tag::export[]
    /** Yesterday's charges, a line for each. */
    public static void export(LockingInvoiceBiller biller, LocalDate yesterday, ZoneId zone, Appendable out) {
        Instant from = yesterday.atStartOfDay(zone).toInstant();
        Instant to = yesterday.plusDays(1).atStartOfDay(zone).toInstant();
        biller.billed(from, to).forEach(charge -> {
            try {
                out.append(charge.invoiceId() + ";" + charge.reference() + ";" + charge.kept() + "\n");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }
    // end::export[]

    // tag::find[]
    /** Whose charge a bank statement names. */
    public static List<BillingAttempt> ofReference(LockingInvoiceBiller biller, String reference) {
        return biller.find(AttemptFilter.all().reference(reference), PageRequest.first(10))
                .rows();
    }
    // end::find[]

    // tag::asking-first[]
    /** Asks the provider's ledger before every send: for the first runs after a restore. */
    public record AskingFirst(BillingGateway gateway) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws Exception {
            BillingOutcome known = gateway.find(request);
            return known instanceof BillingOutcome.NotBilled ? gateway.bill(request) : known;
        }

        @Override
        public BillingOutcome find(BillingRequest request) throws Exception {
            return gateway.find(request);
        }

        @Override
        public Duration idempotencyWindow() {
            return gateway.idempotencyWindow();
        }

        @Override
        public Duration findLag() {
            return gateway.findLag();
        }
    }
    // end::asking-first[]
}
