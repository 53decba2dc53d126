package io.github.invoicelock.internal.journal;

import java.util.UUID;
import java.util.function.Function;
import org.jooq.Field;
import org.jooq.Table;

/** The statements on one biller's part of {@code billing_attempt}, by what they serve. Immutable. */
public final class Journal {
    private final FirstAttempts firsts;
    private final DueAttempts dues;
    private final Outcomes outcomes;
    private final Inquiries inquiries;
    private final Events events;
    private final OldAttempts old;
    private final Billers billers;
    private final SharedLimits limits;
    private final Places places;
    private final AttemptPages pages;
    private final ProviderCharges charges;
    private final Summaries summaries;

    /**
     * The journal of one biller.
     *
     * @param schema where it is
     * @param installation its random id, part of every key (R3)
     * @param settings whose attempts
     * @param typed the invoice of a snapshot with its columns' types, to be joined laterally: the one reading of an invoice (R4)
     */
    public Journal(String schema, UUID installation, JournalSettings settings, Function<Field<?>, Table<?>> typed) {
        AttemptTable table = new AttemptTable(schema, installation, settings);
        Snapshots snapshots = new Snapshots(table, typed);
        this.events = new Events(table, schema);
        this.firsts = new FirstAttempts(table, snapshots, events);
        this.dues = new DueAttempts(table, snapshots, firsts, events);
        this.outcomes = new Outcomes(table, events);
        this.inquiries = new Inquiries(table, snapshots);
        this.old = new OldAttempts(table, events);
        this.billers = new Billers(table, schema);
        this.places = table.places();
        this.limits = new SharedLimits(table, schema);
        this.pages = new AttemptPages(table);
        this.charges = new ProviderCharges(table, schema, settings.amount());
        this.summaries = new Summaries(table);
    }

    /** Claims of fresh invoices. */
    public FirstAttempts firsts() {
        return firsts;
    }

    /** What has become due, and its take-over. */
    public DueAttempts dues() {
        return dues;
    }

    /** The one door through which states change. */
    public Outcomes outcomes() {
        return outcomes;
    }

    /** What is asked of the journal. */
    public Inquiries inquiries() {
        return inquiries;
    }

    /** What is kept of the biller as a whole. */
    public Billers billers() {
        return billers;
    }

    /** What happened besides the straight way. */
    public Events events() {
        return events;
    }

    /** Lists for people, page by page. */
    public AttemptPages pages() {
        return pages;
    }

    /** Counts for people. */
    public Summaries summaries() {
        return summaries;
    }

    /** The provider's charges beside the journal's. */
    public ProviderCharges charges() {
        return charges;
    }

    /** What may be deleted. */
    public OldAttempts old() {
        return old;
    }

    /** Who may call for a customer. */
    public Places places() {
        return places;
    }

    /** What all servers share of the provider's limits. */
    public SharedLimits limits() {
        return limits;
    }
}
