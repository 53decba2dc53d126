package io.github.invoicelock.spring;

import io.github.invoicelock.SetupException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows what is wrong with the set-up, which the exception says in plain words, instead of a page of stack trace. */
final class SetupFailureAnalyzer extends AbstractFailureAnalyzer<SetupException> {
    /** Made by Spring Boot. */
    SetupFailureAnalyzer() {}

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, SetupException cause) {
        return new FailureAnalysis(
                "invoice-lock: " + cause.getMessage(),
                "Correct what the description names (properties invoice-lock.*, the beans that describe the table, or the database). "
                        + "invoice-lock.migrate=false leaves the journal to your own migrations; invoice-lock.enabled=false starts "
                        + "without a biller.",
                cause);
    }
}
