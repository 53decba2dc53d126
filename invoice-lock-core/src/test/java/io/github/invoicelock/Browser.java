package io.github.invoicelock;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.Cookie;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.JavascriptExecutor;
import org.openqa.selenium.OutputType;
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

/** A browser that a test drives: the system's Chromium, or HtmlUnit where there is none. */
final class Browser implements AutoCloseable {
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

    static Browser open() {
        return isThere() ? chromium(options()) : new Browser(new HtmlUnitDriver(true));
    }

    static Browser openWithoutScript() {
        return isThere()
                ? chromium(options()
                        .setExperimentalOption(
                                "prefs", Map.of("profile.managed_default_content_settings.javascript", 2)))
                : new Browser(new HtmlUnitDriver(false));
    }

    static Browser openDarkAndNarrow() {
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

    /** Not one that only reads pages: with a screen, and a focus for whatever a keyboard reaches. */
    boolean isChromium() {
        return driver instanceof ChromeDriver;
    }

    /** Signed in by a cookie, as {@link ServletContainer} takes it. */
    void visit(URI page, String user) {
        // A cookie is only taken for the page that is open.
        driver.get(page.resolve("/").toString());
        driver.manage().deleteAllCookies();
        driver.manage()
                .addCookie(new Cookie.Builder("test-user", user).path("/").build());
        driver.get(page.toString());
    }

    String text() {
        return find(By.tagName("body")).getText();
    }

    WebElement find(By by) {
        return driver.findElement(by);
    }

    List<WebElement> all(By by) {
        return driver.findElements(by);
    }

    /** And waits for the page behind it, where it leads to one. */
    void click(By by) {
        press(find(by));
    }

    void press(WebElement element) {
        boolean leaves = !element.getTagName().equals("summary");
        WebElement page = find(By.tagName("html"));
        element.click();
        if (leaves) {
            new WebDriverWait(driver, PATIENCE).until(ExpectedConditions.stalenessOf(page));
        }
    }

    void type(CharSequence keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    /** What the element that has the focus says. */
    String focused() {
        WebElement active = driver.switchTo().activeElement();
        return active.getTagName().equals("body") ? "" : active.getText();
    }

    /** Whether a page has to be moved sideways on a narrow screen. */
    boolean wider() {
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

    /** Texts whose contrast with what is behind them is under 4.5, as WCAG 2 computes it, in the light and in the dark. */
    List<String> faintTexts() {
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

    /** Of what is seen without moving the page. */
    Path picture(Path file) {
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
