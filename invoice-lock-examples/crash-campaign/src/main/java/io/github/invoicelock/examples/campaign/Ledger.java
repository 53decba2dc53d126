package io.github.invoicelock.examples.campaign;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What the {@link Provider} knows.
 *
 * @param charges the references of an invoice's charges, separated by commas, by invoice
 * @param otherRequests invoices for which a key came with another request than the first
 */
record Ledger(Map<String, String> charges, Set<String> otherRequests) {

    /**
     * Asks the provider.
     *
     * @param provider its address
     * @return as of now
     * @throws IOException if it does not answer
     * @throws InterruptedException if interrupted
     */
    static Ledger of(URI provider) throws IOException, InterruptedException {
        Map<String, String> charges = new TreeMap<>();
        get(provider.resolve("/ledger")).lines().forEach(line -> {
            int space = line.indexOf(' ');
            charges.put(line.substring(0, space), line.substring(space + 1));
        });
        return new Ledger(
                charges, get(provider.resolve("/other-requests")).lines().collect(Collectors.toSet()));
    }

    private static String get(URI address) throws IOException, InterruptedException {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
