/** What the console's templates are given. Not for hosts; the templates, as they are compiled, are a package below. */
@NullMarked
package io.github.invoicelock.console.pages;

import org.jspecify.annotations.NullMarked;
