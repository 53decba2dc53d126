package io.github.invoicelock.examples.browser;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Objects;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;

/** A person's visit to the console of a host that is under Spring Security: what each host's test does there alike. Not thread-safe. */
public final class ConsoleVisit {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Browser browser;
    private final String there;

    /**
     * Nothing is opened yet.
     *
     * @param browser not null; stays its owner's
     * @param there where the host is, with its context path and without a slash at the end
     */
    public ConsoleVisit(Browser browser, String there) {
        this.browser = browser;
        this.there = there;
    }

    /** Where one of the host's pages is; the path begins with a slash. */
    public URI at(String path) {
        return URI.create(there + path);
    }

    /** As a person does who has the page of a parked invoice open, and has seen the charge at the provider. */
    public void sayItWasCharged(String reference) {
        browser.click(By.xpath("//summary[contains(., 'It was charged')]"));
        WebElement form = browser.find(By.xpath("//summary[contains(., 'It was charged')]/following-sibling::form"));
        form.findElement(By.name("reference")).sendKeys(reference);
        form.findElement(By.name("note")).sendKeys("seen in the dashboard");
        browser.press(form.findElement(By.tagName("button")));
    }

    /** A form as the browser would send it, whoever is signed in there, and whatever its page has a button for. */
    public HttpResponse<String> post(String path, String form) throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(at(path))
                        .header("Cookie", browser.cookies())
                        .header("Sec-Fetch-Site", "same-origin")
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** The field of a form that keeps other sites from sending it, as the open page has it. */
    public String token() {
        return "_csrf=" + Objects.requireNonNull(browser.find(By.name("_csrf")).getAttribute("value"));
    }
}
