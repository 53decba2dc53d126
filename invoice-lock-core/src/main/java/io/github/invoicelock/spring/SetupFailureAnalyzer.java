package io.github.invoicelock.spring;

import io.github.invoicelock.SetupException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.springframework.beans.factory.BeanCreationException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows what is wrong with the set-up, which the exception says in plain words, instead of a page of stack trace. */
final class SetupFailureAnalyzer extends AbstractFailureAnalyzer<SetupException> {
    /** Made by Spring Boot. */
    SetupFailureAnalyzer() {}

    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, SetupException cause) {
        String message = String.valueOf(cause.getMessage());
        return new FailureAnalysis(
                "invoice-lock: " + message,
                remedy(message, key(rootFailure))
                        + " invoice-lock.migrate=false leaves the journal to your own migrations; invoice-lock.enabled=false starts "
                        + "without a biller.",
                cause);
    }

    private static String remedy(String message, Optional<String> key) {
        if (message.startsWith("No biller")) {
            return "Do what the description says.";
        }
        return setting(message)
                .map(setting -> "Correct the property invoice-lock."
                        + key.map(of -> "billers." + of + ".").orElse("") + setting + ".")
                .orElse(
                        "Correct what the description names (properties invoice-lock.*, the bean of type InvoiceTable that "
                                + "describes the table, or the database).");
    }

    /** A message about a setting begins with its name. */
    private static Optional<String> setting(String message) {
        return Arrays.stream(InvoiceLockProperties.class.getRecordComponents())
                .map(RecordComponent::getName)
                .filter(setting -> message.startsWith(setting + " is ") || message.startsWith(setting + " has "))
                .map(setting -> setting.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT))
                .findFirst();
    }

    /** Which of several billers could not be made. */
    private static Optional<String> key(Throwable failure) {
        return Stream.iterate(failure, java.util.Objects::nonNull, Throwable::getCause)
                .filter(BeanCreationException.class::isInstance)
                .map(each -> String.valueOf(((BeanCreationException) each).getBeanName()))
                .map(BillerBeans::keyOf)
                .filter(key -> !key.isEmpty())
                .reduce((outer, inner) -> inner);
    }
}
