package io.github.invoicelock.docs;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleServer;
import io.github.invoicelock.console.ConsoleServlet;
import io.github.invoicelock.console.ConsoleSettings;
import io.github.invoicelock.console.ConsoleVisitor;
import io.github.invoicelock.console.ConsoleVisitors;
import jakarta.servlet.ServletContext;
import java.io.IOException;

/** The code of docs/console.md. */
public final class ConsoleSnippets {
    private ConsoleSnippets() {}

    // tag::settings[]
    /** What the console shows, and how. */
    public static Console console(LockingInvoiceBiller biller) {
        return new Console(ConsoleSettings.of(biller)
                .providerLink("https://dashboard.stripe.com/payments/{reference}")
                .providerLink("https://dashboard.stripe.com/search?query={key}")
                .masking((field, value) -> field.equals("customer_email") ? "hidden" : value));
    }
    // end::settings[]

    // tag::servlet[]
    /** In a ServletContainerInitializer or a ServletContextListener. */
    public static void register(ServletContext context, Console console) {
        ConsoleVisitors visitors = ConsoleVisitors.byRoles("support", "billing", "head-of-billing");
        context.addServlet("invoice-lock", new ConsoleServlet(console, visitors))
                .addMapping("/invoice-lock/*");
    }
    // end::servlet[]

    // tag::server[]
    /** On 127.0.0.1, for the person who reads the output of the program. */
    public static ConsoleServer open(Console console, String you) throws IOException {
        ConsoleServer server =
                ConsoleServer.start(console, 0, ConsoleVisitor.named(you, ConsoleAccess.DECIDE_NOT_BILLED));
        System.out.println("Open once, within ten minutes: " + server.newAddress());
        return server;
    }
    // end::server[]
}
