package io.github.invoicelock.testkit.example;

import io.github.invoicelock.testkit.CarefulGateway;
import java.net.URI;

/** What a host has already. */
final class MyGateway extends CarefulGateway {

    MyGateway(URI provider) {
        super(provider);
    }
}
