/** The main example: two servers, one PostgreSQL, one provider; the problem, and its cure. Start at {@code TwoServers}. */
@NullMarked
package io.github.invoicelock.examples.twoservers;

import org.jspecify.annotations.NullMarked;
