/**
 * Hosts' tables of invoices, and what each of them says to the library: a shop with integer keys and quoted names, subscriptions with
 * uuid keys and states as text, and an enum of states with a table of charges. The page {@code docs/schemas.md} goes through them.
 *
 * <p>Each is written here after the documentation of a public project, which it names; nothing is copied from one.
 */
@NullMarked
package io.github.invoicelock.examples.schemas;

import org.jspecify.annotations.NullMarked;
