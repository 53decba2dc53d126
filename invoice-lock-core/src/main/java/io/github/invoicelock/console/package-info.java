/**
 * A page for the people who decide: how billing stands, what waits for them, what is safe now, and what follows.
 *
 * <p>{@link io.github.invoicelock.console.Console} is one function from a request to a response. Two classes serve it:
 * {@link io.github.invoicelock.console.ConsoleServlet} in a servlet container, under the host's own security, and
 * {@link io.github.invoicelock.console.ConsoleServer} on the loopback address, for hosts without one. It is off until a host uses one of
 * them.
 *
 * <p>Optional: needs {@code gg.jte:jte-runtime} on the class path, and for the servlet {@code jakarta.servlet-api} 6.0 or newer.
 *
 * @since 0.1
 */
@NullMarked
package io.github.invoicelock.console;

import org.jspecify.annotations.NullMarked;
