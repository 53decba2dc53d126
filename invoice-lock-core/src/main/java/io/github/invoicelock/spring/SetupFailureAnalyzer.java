package io.github.invoicelock.spring;

import io.github.invoicelock.SetupException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows what is wrong with the set-up, which the exception says in plain words, instead of a page of stack trace. */
final class SetupFailureAnalyzer extends AbstractFailureAnalyzer<SetupException> {
    /** Made by Spring Boot. */
    SetupFailureAnalyzer() {}

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, SetupException cause) {
        Optional<String> property = property(String.valueOf(cause.getMessage()));
        return new FailureAnalysis(
                "invoice-lock: " + cause.getMessage(),
                property.map(name -> "Correct the property " + name + ". ")
                                .orElse(
                                        "Correct what the description names (properties invoice-lock.*, the beans that describe the table, or "
                                                + "the database). ")
                        + "invoice-lock.migrate=false leaves the journal to your own migrations; invoice-lock.enabled=false starts "
                        + "without a biller.",
                cause);
    }

    /** A message about a setting begins with its name. */
    private static Optional<String> property(String message) {
        return Arrays.stream(InvoiceLockProperties.class.getRecordComponents())
                .map(RecordComponent::getName)
                .filter(setting -> message.startsWith(setting + " is ") || message.startsWith(setting + " has "))
                .map(setting ->
                        "invoice-lock." + setting.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT))
                .findFirst();
    }
}
