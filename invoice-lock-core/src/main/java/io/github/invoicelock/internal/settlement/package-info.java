/** What was learned becomes the journal's word, and then the invoice's mark: the one way in, for runs, reports and people. */
@NullMarked
package io.github.invoicelock.internal.settlement;

import org.jspecify.annotations.NullMarked;
