/** The specification: each test class is named after what it specifies, each rule R1 to R16 has a test that falls with it. */
@NullMarked
package io.github.invoicelock;

import org.jspecify.annotations.NullMarked;
