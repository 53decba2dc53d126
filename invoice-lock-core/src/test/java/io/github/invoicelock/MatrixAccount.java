package io.github.invoicelock;

import io.github.invoicelock.MatrixCell.Answer;
import io.github.invoicelock.MatrixCell.Word;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What the provider, and whoever speaks for it, knows of one invoice: keys, charges, and what the library was told. A call that the
 * promises forbid is a wrong, found when it arrives.
 */
final class MatrixAccount {
    private final String invoiceId;
    private final boolean remembers;
    private final Moment letGo = new Moment();
    private final AtomicReference<String> lateCharge = new AtomicReference<>("");

    private final List<String> log = new ArrayList<>();
    private final List<String> wrongs = new ArrayList<>();
    private final Map<Integer, String> keys = new HashMap<>();
    private final Map<String, Map<String, Object>> requests = new HashMap<>();
    private final Map<String, String> charged = new HashMap<>();
    private final Set<String> remembered = new HashSet<>();
    private final Set<String> refused = new HashSet<>();
    private final Set<String> accepted = new HashSet<>();
    private final Set<String> underWay = new HashSet<>();
    /** Refused for good at some time: never to be sent again, whatever was said since. */
    private final Set<String> everRefused = new HashSet<>();
    /** As it stands: a next key may be sent. */
    private final Set<String> toldRefused = new HashSet<>();

    private final Set<String> toldAccepted = new HashSet<>();
    private final Set<String> toldCharges = new LinkedHashSet<>();
    private final Set<String> closed = new HashSet<>();
    private Answer next = Answer.CHARGES;
    private int charges;
    private boolean misled;
    private boolean withdrawn;
    private boolean unheard;
    private int arrived;

    MatrixAccount(String invoiceId, boolean remembers) {
        this.invoiceId = invoiceId;
        this.remembers = remembers;
    }

    // ---- the provider

    synchronized void willAnswer(Answer answer) {
        this.next = answer;
    }

    /** A call arrives: by the promises it may, or it is a wrong. */
    synchronized Answer called(BillingRequest request) {
        String key = request.idempotencyKey();
        log.add("called with key " + request.attempt());
        if (!toldCharges.isEmpty()) {
            wrongs.add("R14, R18: key " + request.attempt() + " was sent though the library knew of " + toldCharges);
        }
        if (withdrawn) {
            wrongs.add("R16: key " + request.attempt() + " was sent though withdraw had answered WITHDRAWN");
        }
        if (everRefused.contains(key)) {
            wrongs.add("R2: key " + request.attempt() + " was sent though it had been refused for good");
        }
        if (toldAccepted.contains(key)) {
            wrongs.add("R15: key " + request.attempt() + " was sent though it had been accepted");
        }
        for (int number = 1; number < request.attempt(); number++) {
            if (!toldRefused.contains(keys.getOrDefault(number, ""))) {
                wrongs.add("R2: key " + request.attempt() + " was sent while key " + number + " may charge");
            }
        }
        Map<String, Object> invoice = request.invoice().intoMap();
        Map<String, Object> before = requests.putIfAbsent(key, invoice);
        if (before != null && !before.equals(invoice)) {
            wrongs.add("R4: key " + request.attempt() + " was sent with " + before + " and with " + invoice);
        }
        keys.put(request.attempt(), key);
        Answer answer = refused.contains(key) ? Answer.REFUSES : next;
        next = Answer.CHARGES;
        if (answer == Answer.HANGS_CHARGED) {
            charge(key);
        }
        if (answer.hangs() || answer == Answer.CUT_OFF) {
            underWay.add(key);
        }
        arrived++;
        return answer;
    }

    synchronized int arrived() {
        return arrived;
    }

    void waitUntilLetGo() {
        letGo.awaitUninterruptibly();
    }

    /** The call of that key answers that it charged; another that hangs ends without an answer. */
    void letGoCharging(String key) {
        lateCharge.set(key);
        letGo.reach();
    }

    /** It ends without an answer, as a dead server's does. */
    void letGo() {
        letGo.reach();
    }

    synchronized BillingOutcome answerLate(String key) {
        underWay.remove(key);
        if (!key.equals(lateCharge.get())) {
            return BillingOutcome.unknown("its server is dead");
        }
        accepted.remove(key);
        // It may be this very request that charged what was told by another way.
        BillingOutcome outcome = tellCharge(charged.containsKey(key) ? charged.get(key) : charge(key));
        log.add("the late answer: " + outcome);
        return outcome;
    }

    synchronized BillingOutcome answer(String key, Answer answer) {
        BillingOutcome outcome =
                switch (answer) {
                    case CHARGES, HANGS, HANGS_CHARGED, CUT_OFF -> tellCharge(charge(key));
                    case UNKNOWN -> BillingOutcome.unknown("500");
                    case UNKNOWN_CHARGED -> {
                        charge(key);
                        yield BillingOutcome.unknown("the answer was lost");
                    }
                    case UNKNOWN_FOR_A_PERSON -> BillingOutcome.unknown("give up");
                    case BUSY -> BillingOutcome.notBilled("429");
                    case BUSY_FOR_A_PERSON -> BillingOutcome.notBilled("give up");
                    case ACCEPTS -> {
                        accepted.add(key);
                        toldAccepted.add(key);
                        yield BillingOutcome.accepted("dd_" + key, Duration.ofMinutes(10));
                    }
                    case REFUSES -> refuse(key, "card_declined");
                    case REFUSES_AT_FIRST -> refuse(key, "again");
                };
        log.add("answered: " + outcome);
        return outcome;
    }

    synchronized BillingOutcome found(String key) {
        BillingOutcome outcome;
        if (charged.containsKey(key)) {
            outcome = tellCharge(charged.get(key));
        } else if (refused.contains(key)) {
            outcome = refuse(key, "card_declined");
        } else if (accepted.contains(key)) {
            outcome = BillingOutcome.accepted("dd_" + key, Duration.ofMinutes(10));
        } else {
            outcome = BillingOutcome.notBilled("never seen");
        }
        log.add("found: " + outcome);
        return outcome;
    }

    synchronized void settleAccepted() {
        for (String key : Set.copyOf(accepted)) {
            accepted.remove(key);
            charge(key);
            log.add("the accepted order was carried out");
        }
    }

    synchronized void forgetKeys() {
        remembered.clear();
    }

    private String charge(String key) {
        if (!(remembers && remembered.contains(key))) {
            charges++;
            if (charges > 1 && !misled) {
                wrongs.add("charged " + charges + " times");
            }
            charged.putIfAbsent(key, "ch_" + key);
            remembered.add(key);
        }
        return charged.getOrDefault(key, "ch_" + key);
    }

    private BillingOutcome refuse(String key, String code) {
        refused.add(key);
        toldRefused.add(key);
        everRefused.add(key);
        return BillingOutcome.declined(code, "no money");
    }

    private BillingOutcome tellCharge(String reference) {
        toldCharges.add(reference);
        return BillingOutcome.billed(reference);
    }

    // ---- words

    synchronized String key(int number) {
        return keys.getOrDefault(number, "no key");
    }

    /** What a word says of a key. It is the truth from then on, unless the provider had done something else: then it misleads. */
    synchronized BillingOutcome spoken(Word word, String key) {
        log.add(word.toString());
        if (keys.containsValue(key)) {
            learn(word, key);
        }
        // A person types what the dashboard shows; a webhook has the charge's own reference.
        String reference = word.reports() ? charged.getOrDefault(key, "said_" + key) : "said_" + key;
        return switch (word) {
            case REPORT_BILLED, RESOLVE_BILLED -> BillingOutcome.billed(reference);
            case REPORT_ACCEPTED, RESOLVE_ACCEPTED -> BillingOutcome.accepted("said_" + key, Duration.ofMinutes(10));
            case REPORT_DECLINED, RESOLVE_DECLINED -> BillingOutcome.declined("card_declined", "so they say");
            case REPORT_DECLINED_AT_FIRST -> BillingOutcome.declined("again", "so they say");
            case REPORT_NOT_BILLED, RESOLVE_NOT_BILLED -> BillingOutcome.notBilled("so they say");
            case REPORT_UNKNOWN, RESOLVE_UNKNOWN, RETRY, WITHDRAW -> BillingOutcome.unknown("nobody knows");
        };
    }

    private void learn(Word word, String key) {
        boolean mayHaveCharged = charged.containsKey(key) || underWay.contains(key);
        switch (word) {
            case REPORT_BILLED, RESOLVE_BILLED -> {
                accepted.remove(key);
                if (!charged.containsKey(key)) {
                    misled = misled || refused.contains(key);
                    charged.put(key, "said_" + key);
                    remembered.add(key);
                    charges++;
                }
            }
            case REPORT_ACCEPTED, RESOLVE_ACCEPTED -> {
                if (!charged.containsKey(key) && !refused.contains(key)) {
                    accepted.add(key);
                }
            }
            case REPORT_DECLINED, REPORT_DECLINED_AT_FIRST, RESOLVE_DECLINED -> {
                accepted.remove(key);
                misled = misled || mayHaveCharged;
                if (!mayHaveCharged) {
                    refused.add(key);
                }
            }
            case REPORT_NOT_BILLED, RESOLVE_NOT_BILLED -> {
                accepted.remove(key);
                misled = misled || mayHaveCharged;
            }
            case REPORT_UNKNOWN, RESOLVE_UNKNOWN, RETRY, WITHDRAW -> log.add("which says nothing of the charge");
        }
    }

    /** The word was taken: the attempt of that key stands so now. */
    synchronized void heard(Word word, String key, AttemptState now, BillingOutcome outcome) {
        log.add("taken: " + now);
        if (now != AttemptState.DECLINED) {
            closed.remove(key);
        }
        if (outcome instanceof BillingOutcome.Billed billed) {
            toldCharges.add(billed.reference());
            return;
        }
        if (word == Word.RESOLVE_NOT_BILLED) {
            // A person releases it, as by retry.
            withdrawn = false;
        }
        if (now == AttemptState.ACCEPTED) {
            toldAccepted.add(key);
        } else {
            toldAccepted.remove(key);
        }
        if (now == AttemptState.DECLINED) {
            toldRefused.add(key);
            everRefused.add(key);
            if (word == Word.RESOLVE_DECLINED) {
                closed.add(key);
            }
        } else {
            toldRefused.remove(key);
        }
    }

    synchronized void refusedToHear(RuntimeException e) {
        log.add("answered by " + e);
        unheard = true;
    }

    /** Whether the library refused a word, by an exception. */
    synchronized boolean wasRefusedAWord() {
        return unheard;
    }

    synchronized void retried(String key) {
        log.add("released");
        closed.remove(key);
        withdrawn = false;
    }

    synchronized void withdrawAnswered(Withdrawal answer, String newestKey) {
        log.add("withdraw: " + answer);
        if (answer != Withdrawal.WITHDRAWN) {
            return;
        }
        withdrawn = true;
        closed.add(newestKey);
        if (!misled && (charges > 0 || !underWay.isEmpty() || !accepted.isEmpty())) {
            wrongs.add("R16: withdraw answered WITHDRAWN, though it was charged, or may be");
        }
    }

    // ---- the judge's questions

    synchronized List<String> wrongs() {
        return List.copyOf(wrongs);
    }

    synchronized boolean closed(String key) {
        return closed.contains(key);
    }

    synchronized Set<String> toldCharges() {
        return Set.copyOf(toldCharges);
    }

    @Override
    public synchronized String toString() {
        return "provider's account of " + invoiceId + ": charges=" + charges + ", the library was told of "
                + toldCharges + (misled ? ", misled by a word" : "") + "\n      " + String.join("\n      ", log);
    }
}
