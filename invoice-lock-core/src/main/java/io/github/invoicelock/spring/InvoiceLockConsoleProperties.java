package io.github.invoicelock.spring;

import java.time.ZoneId;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The console's properties: {@code invoice-lock.console.*}.
 *
 * @param enabled whether there is a console
 * @param path where it is, below the context path
 * @param look the role that may look
 * @param decide the role that may decide
 * @param decideNotBilled the role that may say that the provider did not charge
 * @param providerLinks links to the provider's dashboard, with {@code {reference}}, {@code {key}} or {@code {invoice}}
 * @param secondPerson whether "not billed" asks for a second person
 * @param zone in which a day begins and ends
 */
@ConfigurationProperties("invoice-lock.console")
public record InvoiceLockConsoleProperties(
        @DefaultValue("false") boolean enabled,
        @DefaultValue("/invoice-lock") String path,
        @Nullable String look,
        @Nullable String decide,
        @Nullable String decideNotBilled,
        @Nullable List<String> providerLinks,
        @DefaultValue("false") boolean secondPerson,
        @DefaultValue("UTC") ZoneId zone) {}
