package io.github.invoicelock;

import io.github.invoicelock.MatrixCell.Answer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A provider with an account for each invoice. It tells the truth, and writes down whatever must never happen. */
class MatrixProvider implements BillingGateway {
    static final Duration WINDOW = Duration.ofDays(1);

    private final ProviderKind kind;
    private final Map<String, MatrixAccount> accounts = new ConcurrentHashMap<>();

    private MatrixProvider(ProviderKind kind) {
        this.kind = kind;
    }

    static MatrixProvider of(ProviderKind kind) {
        return kind.canBeAsked ? new Askable(kind) : new MatrixProvider(kind);
    }

    MatrixAccount account(Object invoiceId) {
        return accounts.computeIfAbsent(String.valueOf(invoiceId), id -> new MatrixAccount(id, kind.remembers));
    }

    /** Orders that it had accepted are carried out. */
    void settleAccepted() {
        accounts.values().forEach(MatrixAccount::settleAccepted);
    }

    void forgetKeys() {
        accounts.values().forEach(MatrixAccount::forgetKeys);
    }

    void clear() {
        accounts.clear();
    }

    @Override
    public BillingOutcome bill(BillingRequest request) {
        MatrixAccount account = account(request.invoiceId());
        Answer answer = account.called(request);
        if (answer.hangs() || answer == Answer.CUT_OFF) {
            account.waitUntilLetGo();
            return account.answerLate(request.idempotencyKey());
        }
        return account.answer(request.idempotencyKey(), answer);
    }

    @Override
    public Duration idempotencyWindow() {
        return kind.remembers ? WINDOW : Duration.ZERO;
    }

    private static final class Askable extends MatrixProvider {
        private Askable(ProviderKind kind) {
            super(kind);
        }

        @Override
        public boolean canBeAsked() {
            return true;
        }

        @Override
        public BillingOutcome find(BillingRequest request) {
            return account(request.invoiceId()).found(request.idempotencyKey());
        }
    }
}
