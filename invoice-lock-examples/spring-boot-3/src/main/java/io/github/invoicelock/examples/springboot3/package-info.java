/** The smallest host on Spring Boot 3.5. */
@NullMarked
package io.github.invoicelock.examples.springboot3;

import org.jspecify.annotations.NullMarked;
