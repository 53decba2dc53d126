/** One run: what it takes up, what it counts, and the slots, the brake and the ends that bound it. */
@NullMarked
package io.github.invoicelock.internal.run;

import org.jspecify.annotations.NullMarked;
