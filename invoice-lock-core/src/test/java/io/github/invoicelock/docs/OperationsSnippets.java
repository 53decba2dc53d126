package io.github.invoicelock.docs;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BulkResult;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import io.github.invoicelock.WordRefusedException;
import io.github.invoicelock.micrometer.BillingObservations;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;

/** Quoted by docs/operations.md. */
public final class OperationsSnippets {
    private OperationsSnippets() {}

    // tag::retry-all[]
    /** Releases all that wait because the provider was away, after a look at what that would do. */
    public static BulkResult retryAll(LockingInvoiceBiller biller, String who) {
        AttemptFilter which = AttemptFilter.all().cause(AttemptCause.TRIES_USED_UP);
        BulkResult tried = biller.dryRun().retryAll(which, "incident 7", who);
        // dryRun=true effects={SENDS_THE_SAME_KEY=312} refusals={NOT_PENDING=3}
        return tried.refused() > 10 ? tried : biller.retryAll(which, "incident 7", who);
    }
    // end::retry-all[]

    // tag::decide-on-what-was-seen[]
    /** A person decides on what they saw; what somebody else did meanwhile is shown to them instead. */
    public static String decide(LockingInvoiceBiller biller, BillingAttempt seen, String reference, String who) {
        try {
            biller.resolve(seen, BillingOutcome.billed(reference), "seen in the dashboard", who);
            return "done";
        } catch (WordRefusedException e) {
            for (AttemptEvent event : biller.history(seen.invoiceId())) {
                System.out.println(event.at() + " " + event.what() + " " + event.from() + " -> " + event.to() + " "
                        + event.who() + " " + event.note());
            }
            return "refused: " + e.getMessage();
        }
    }
    // end::decide-on-what-was-seen[]

    // tag::write-back[]
    /** Tells the journal of charges that it has lost; returns what is left for a person. */
    public static List<Reconciliation.Finding> afterARestore(
            LockingInvoiceBiller biller, Stream<ProviderCharge> charges, Instant restoredPoint, String who) {
        try (Reconciliation compared = biller.reconcile(charges, restoredPoint, Instant.now())) {
            System.out.println(compared); // Reconciliation{MATCHED=812, NOT_RECORDED=47, CHARGED_TWICE=1}
            System.out.println(compared.writeBack(who)); // WrittenBack[charges=47, unmarked=0, held=0, failures=[]]
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

    // tag::traces[]
    /** A biller whose calls continue the trace of the run. */
    public static LockingInvoiceBiller traced(
            DataSource dataSource, BillingGateway gateway, ObservationRegistry registry) {
        BillingObservations observations = new BillingObservations("invoices", registry);
        return LockingInvoiceBiller.builder(dataSource, observations.around(gateway))
                .callContext(observations)
                .build();
    }
    // end::traces[]

    // tag::asking-first[]
    /** Asks the provider's ledger before every send: for the first runs after a restore. */
    public record AskingFirst(BillingGateway gateway) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws Exception {
            BillingOutcome known = gateway.find(request);
            return known instanceof BillingOutcome.NotBilled ? gateway.bill(request) : known;
        }

        @Override
        public boolean canBeAsked() {
            return gateway.canBeAsked();
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
