/**
 * A page for the people who decide: what stands, what waits for them, what is safe now, and what follows.
 *
 * <p>One pure function, {@link io.github.invoicelock.console.Console}, from a request to a response, and two doors to it:
 * {@link io.github.invoicelock.console.ConsoleServlet} for hosts with a servlet container, under the host's own security, and
 * {@link io.github.invoicelock.console.ConsoleServer} on loopback for those without. Off until a host opens one of them.
 *
 * <p>Optional: needs {@code gg.jte:jte-runtime} on the class path, and for the servlet {@code jakarta.servlet-api} 6.0 or newer.
 */
@NullMarked
package io.github.invoicelock.console;

import org.jspecify.annotations.NullMarked;
