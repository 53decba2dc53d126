/** The rules as pure functions: what an outcome means, how long a lease lasts, what may be sent, asked or believed when. No database. */
@NullMarked
package io.github.invoicelock.internal.judgement;

import org.jspecify.annotations.NullMarked;
