package io.github.invoicelock.examples.browser;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.Cookie;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.JavascriptExecutor;
import org.openqa.selenium.Keys;
import org.openqa.selenium.NoSuchElementException;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.TakesScreenshot;
import org.openqa.selenium.WebDriver;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.htmlunit.HtmlUnitDriver;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.ExpectedConditions;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * A browser that a test drives: the system's Chromium, or HtmlUnit where there is none, or where {@code -Dinvoicelock.htmlunit=true} asks for
 * it. For one thread.
 */
public final class Browser implements AutoCloseable {
    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final Path DRIVER = Path.of("/usr/bin/chromedriver");
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final WebDriver driver;

    private Browser(WebDriver driver) {
        this.driver = driver;
    }

    private static boolean isThere() {
        return Files.isExecutable(CHROMIUM)
                && Files.isExecutable(DRIVER)
                && !Boolean.getBoolean("invoicelock.htmlunit");
    }

    /**
     * Opens one.
     *
     * @return a browser that nobody is signed in to
     */
    public static Browser open() {
        return isThere() ? chromium(options()) : new Browser(new HtmlUnitDriver(true));
    }

    /**
     * Opens one that runs no script of any page.
     *
     * @return a browser that nobody is signed in to
     */
    public static Browser openWithoutScript() {
        return isThere()
                ? chromium(options()
                        .setExperimentalOption(
                                "prefs", Map.of("profile.managed_default_content_settings.javascript", 2)))
                : new Browser(new HtmlUnitDriver(false));
    }

    /**
     * Opens a Chromium on a small screen in the dark.
     *
     * @return a browser that nobody is signed in to
     */
    public static Browser openDarkAndNarrow() {
        ChromeOptions options = options();
        options.addArguments("--force-dark-mode", "--blink-settings=preferredColorScheme=0");
        Browser browser = chromium(options);
        browser.driver.manage().window().setSize(new Dimension(520, 900));
        return browser;
    }

    private static ChromeOptions options() {
        ChromeOptions options = new ChromeOptions();
        options.setBinary(CHROMIUM.toFile());
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=en-GB",
                "--window-size=1180,860");
        return options;
    }

    private static Browser chromium(ChromeOptions options) {
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(DRIVER.toFile())
                .usingAnyFreePort()
                .withSilent(true)
                .build();
        return new Browser(new ChromeDriver(service, options));
    }

    /**
     * Not one that only reads pages: with a screen, and a focus for whatever a keyboard reaches.
     *
     * @return false for HtmlUnit
     */
    public boolean isChromium() {
        return driver instanceof ChromeDriver;
    }

    /**
     * Opens a page.
     *
     * @param page its address
     */
    public void visit(URI page) {
        driver.get(page.toString());
    }

    /**
     * Opens a page, signed in by a cookie alone, as a test's own container takes it.
     *
     * @param page its address
     * @param user the value of the cookie {@code test-user}
     */
    public void visit(URI page, String user) {
        // A cookie is only taken for the page that is open.
        visit(page.resolve("/"));
        driver.manage().deleteAllCookies();
        driver.manage()
                .addCookie(new Cookie.Builder("test-user", user).path("/").build());
        visit(page);
    }

    /**
     * Opens a page through the login form that stands before it, as somebody who has just come.
     *
     * @param page its address
     * @param user the field {@code username}
     * @param password the field {@code password}
     */
    public void signIn(URI page, String user, String password) {
        visit(page);
        driver.manage().deleteAllCookies();
        visit(page);
        find(By.name("username")).sendKeys(user);
        find(By.name("password")).sendKeys(password);
        click(By.cssSelector("button[type=submit]"));
    }

    /**
     * Where it is.
     *
     * @return the address of the page that is open
     */
    public URI address() {
        return URI.create(Objects.requireNonNull(driver.getCurrentUrl()));
    }

    /**
     * What it would send along to the page that is open.
     *
     * @return as the header {@code Cookie}
     */
    public String cookies() {
        return driver.manage().getCookies().stream()
                .map(cookie -> cookie.getName() + "=" + cookie.getValue())
                .collect(Collectors.joining("; "));
    }

    /**
     * What a person reads.
     *
     * @return the page's text
     */
    public String text() {
        return patiently().until(now -> now.findElement(By.tagName("body")).getText());
    }

    /**
     * Finds an element, which may be on its way: a page that has just come is not yet read to its end.
     *
     * @param by what it is known by
     * @return the first one
     */
    public WebElement find(By by) {
        return patiently().until(now -> now.findElement(by));
    }

    private WebDriverWait patiently() {
        WebDriverWait wait = new WebDriverWait(driver, PATIENCE);
        wait.ignoring(NoSuchElementException.class, StaleElementReferenceException.class);
        return wait;
    }

    /**
     * Finds elements.
     *
     * @param by what they are known by
     * @return all of them
     */
    public List<WebElement> all(By by) {
        return driver.findElements(by);
    }

    /**
     * Presses what is found, as {@link #press} does.
     *
     * @param by what it is known by
     */
    public void click(By by) {
        press(find(by));
    }

    /**
     * Presses an element, and waits for the page behind it, where it leads to one.
     *
     * @param element a link, a button or a summary
     */
    public void press(WebElement element) {
        if (element.getTagName().equals("summary")) {
            element.click();
        } else {
            leaving(element::click);
        }
    }

    /** Presses Enter on whatever has the focus, and waits for the page behind it. */
    public void enter() {
        leaving(() -> type(Keys.ENTER));
    }

    private void leaving(Runnable deed) {
        WebElement page = find(By.tagName("html"));
        deed.run();
        patiently().until(ExpectedConditions.stalenessOf(page));
    }

    /**
     * Types to whatever has the focus. It waits for no page.
     *
     * @param keys what
     */
    public void type(CharSequence keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    /**
     * Where the focus is.
     *
     * @return what the element that has it says
     */
    public String focused() {
        WebElement active = driver.switchTo().activeElement();
        return active.getTagName().equals("body") ? "" : active.getText();
    }

    /**
     * Whether a page has to be moved sideways on a narrow screen.
     *
     * @return false in HtmlUnit, which has no screen
     */
    public boolean wider() {
        if (!(driver instanceof ChromeDriver)) {
            return false;
        }
        Dimension before = driver.manage().window().getSize();
        driver.manage().window().setSize(new Dimension(500, 800));
        try {
            return Boolean.TRUE.equals(script("return document.documentElement.scrollWidth > window.innerWidth + 1"));
        } finally {
            driver.manage().window().setSize(before);
        }
    }

    /**
     * Texts whose contrast with what is behind them is under 4.5, as WCAG 2 computes it, in the light and in the dark.
     *
     * @return none in HtmlUnit, which has no colours
     */
    public List<String> faintTexts() {
        if (!(driver instanceof ChromeDriver chromium)) {
            return List.of();
        }
        return Stream.of("light", "dark")
                .flatMap(scheme -> {
                    chromium.executeCdpCommand(
                            "Emulation.setEmulatedMedia",
                            Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
                    return ((List<?>) script(CONTRAST)).stream().map(text -> scheme + ": " + text);
                })
                .toList();
    }

    private static final String CONTRAST = """
            function parts(c) { return (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number); }
            function light(c) {
              return [0.2126, 0.7152, 0.0722].reduce(function (sum, weight, i) {
                var v = c[i] / 255;
                return sum + weight * (v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
              }, 0);
            }
            function behind(e) {
              for (; e; e = e.parentElement) {
                var c = parts(getComputedStyle(e).backgroundColor);
                if (c.length < 4 || c[3] > 0) { return c; }
              }
              return [255, 255, 255];
            }
            return Array.from(document.querySelectorAll('body *')).filter(function (e) {
              var own = Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.textContent.trim(); });
              if (!own || !e.getClientRects().length) { return false; }
              var a = light(parts(getComputedStyle(e).color)), b = light(behind(e));
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
            }).map(function (e) { return e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40); });
            """;

    private Object script(String script) {
        Object result = ((JavascriptExecutor) driver).executeScript(script);
        return result == null ? List.of() : result;
    }

    /**
     * A picture of what is seen without moving the page.
     *
     * @param file where it is written
     * @return the same
     */
    public Path picture(Path file) {
        try {
            return Files.write(file, ((TakesScreenshot) driver).getScreenshotAs(OutputType.BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        driver.quit();
    }
}
