/** What a person has before an application: a browser, and a proxy. The browser needs Selenium, which this module leaves to its users. */
@NullMarked
package io.github.invoicelock.examples.browser;

import org.jspecify.annotations.NullMarked;
