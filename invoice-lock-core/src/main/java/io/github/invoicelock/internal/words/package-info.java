/** What is said from outside of a run: by a person, by the provider's webhook, by the host's own transaction; and what they are shown. */
@NullMarked
package io.github.invoicelock.internal.words;

import org.jspecify.annotations.NullMarked;
