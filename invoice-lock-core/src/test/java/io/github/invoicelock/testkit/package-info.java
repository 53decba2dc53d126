/** The test kit, tested: a careful gateway passes every check, and each defect falls by the checks that are made for it. */
@NullMarked
package io.github.invoicelock.testkit;

import org.jspecify.annotations.NullMarked;
