/** The code that the documentation quotes, compiled and tried. */
@NullMarked
package io.github.invoicelock.docs;

import org.jspecify.annotations.NullMarked;
