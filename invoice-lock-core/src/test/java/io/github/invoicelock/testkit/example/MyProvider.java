package io.github.invoicelock.testkit.example;

import io.github.invoicelock.testkit.FakeProvider;
import java.net.URI;

/** What a host has already. */
final class MyProvider {
    private static final FakeProvider FAKE = new FakeProvider();

    private MyProvider() {}

    static URI address() {
        return FAKE.address();
    }
}
