package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The console in a servlet container: Tomcat, Jetty, Undertow, Spring Boot 3.5 and 4. Map it to {@code /invoice-lock/*}, or where you like;
 * the host's filters, its login and its context path hold for it. Needs the Servlet API 6.0 or newer. Thread-safe.
 */
public final class ConsoleServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final String FORWARDED_HOST = "X-Forwarded-Host";
    private static final Pattern PREFIX = Pattern.compile("(/[A-Za-z0-9._~-]+)+");

    /** The console. */
    private final transient Console console;
    /** Who is at the door. */
    private final transient ConsoleVisitors visitors;

    /**
     * A door.
     *
     * @param console what is behind it
     * @param visitors who sends a request, by the host's own security, {@link ConsoleVisitors#byRoles} for example; asked at each request
     */
    public ConsoleServlet(Console console, ConsoleVisitors visitors) {
        this.console = requireNonNull(console, "console");
        this.visitors = requireNonNull(visitors, "visitors");
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getCharacterEncoding() == null) {
            request.setCharacterEncoding(StandardCharsets.UTF_8.name());
        }
        ConsoleResponse answer = console.answer(new ConsoleRequest(
                request.getMethod(),
                Optional.ofNullable(request.getPathInfo()).orElse("/"),
                parameters(request),
                headers(request),
                prefix(request) + request.getContextPath() + request.getServletPath(),
                visitors.of(request)));
        response.setStatus(answer.status());
        answer.headers().forEach(response::setHeader);
        if (!request.getMethod().equals("HEAD")) {
            answer.body().writeTo(response.getOutputStream());
        }
    }

    private static Map<String, List<String>> parameters(HttpServletRequest request) {
        return request.getParameterMap().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, each -> List.of(each.getValue())));
    }

    private static Map<String, String> headers(HttpServletRequest request) {
        Map<String, String> headers = new HashMap<>();
        Collections.list(request.getHeaderNames()).forEach(name -> headers.put(name, request.getHeader(name)));
        // A filter that has understood what a proxy says has taken the proxy's headers away. What they said is here.
        if (request.getHeader(FORWARDED_HOST) == null) {
            headers.put(FORWARDED_HOST, authority(request));
        }
        return headers;
    }

    /** As a browser writes it: without the port that the scheme has anyway. */
    private static String authority(HttpServletRequest request) {
        int usual = request.isSecure() ? 443 : 80;
        int port = request.getServerPort();
        return request.getServerName() + (port == usual ? "" : ":" + port);
    }

    /** What a proxy has taken off the path, unless a filter of the host's has put it into the context path already. */
    private static String prefix(HttpServletRequest request) {
        String prefix = Optional.ofNullable(request.getHeader("X-Forwarded-Prefix"))
                .map(value -> value.split(",", 2)[0].strip())
                .map(value -> value.endsWith("/") ? value.substring(0, value.length() - 1) : value)
                .orElse("");
        return PREFIX.matcher(prefix).matches() ? prefix : "";
    }
}
