package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.InvoiceNotMarkedException;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.WordRefusedException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The console as one function from a request to a response, without a server and without a state of its own. Whoever may see a page is
 * told by the {@link ConsoleVisitor} of the request: nobody signed in, no page.
 *
 * <p>Thread-safe. What is decided is decided by the biller, which refuses what has gone out of date.
 */
public final class Console {
    private static final Logger LOG = LoggerFactory.getLogger(Console.class);

    /** No code, no style and no picture but the console's own; nobody frames it; its script may ask for its own pages. */
    private static final Map<String, String> ALWAYS = Map.of(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
                    + "frame-ancestors 'none'; base-uri 'none'",
            "Cache-Control",
            "no-store",
            "X-Content-Type-Options",
            "nosniff",
            "X-Frame-Options",
            "DENY",
            "Referrer-Policy",
            "same-origin");

    private final ConsoleSettings settings;
    private final Assets assets = new Assets();
    private final Map<String, Route> routes = new HashMap<>();

    /** What answers at a path, and who may ask for it. */
    private record Route(ConsoleAccess needed, Function<Visit, ConsoleResponse> page) {}

    /**
     * A console.
     *
     * @param settings what it shows, and how
     */
    public Console(ConsoleSettings settings) {
        this.settings = requireNonNull(settings, "settings");
        Looking looking = new Looking();
        look("/", looking::now);
        look("/waiting", looking::waiting);
        look("/waiting.csv", CsvExport::waiting);
        look("/invoice", looking::invoice);
        look("/search", looking::search);
        look("/charged", looking::charged);
        look("/charged.csv", CsvExport::charged);
        look("/anomalies", looking::anomalies);
        look("/preview", looking::preview);
        // A reference or a key has no business in an address, which proxies log.
        routes.put("POST /search", new Route(ConsoleAccess.LOOK, looking::found));
        Deciding deciding = new Deciding(looking);
        decide("/snapshot", deciding::snapshot);
        decide("/decide", deciding::decide);
        decide("/ask", deciding::ask);
        decide("/pause", deciding::pause);
        decide("/resume", deciding::resume);
        NotBilled notBilled = new NotBilled(looking);
        routes.put("GET /not-billed", new Route(ConsoleAccess.DECIDE_NOT_BILLED, notBilled::page));
        routes.put("POST /not-billed", new Route(ConsoleAccess.DECIDE_NOT_BILLED, notBilled::say));
        Many many = new Many();
        routes.put("GET /many", new Route(ConsoleAccess.DECIDE, many::page));
        decide("/many", many::say);
        Reconciling reconciling = new Reconciling();
        routes.put("GET /reconcile", new Route(ConsoleAccess.DECIDE, reconciling::page));
        decide("/reconcile", reconciling::compare);
    }

    private void look(String path, Function<Visit, ConsoleResponse> page) {
        routes.put("GET " + path, new Route(ConsoleAccess.LOOK, page));
    }

    private void decide(String path, Function<Visit, ConsoleResponse> page) {
        routes.put("POST " + path, new Route(ConsoleAccess.DECIDE, page));
    }

    /**
     * Answers. What the database or the library refuses is a page, too, with the status that fits.
     *
     * @param request from a door
     * @return with all headers that keep the page safe
     */
    public ConsoleResponse answer(ConsoleRequest request) {
        return safe(answerOf(request));
    }

    /** With the headers that keep a page safe, whoever answers. */
    static ConsoleResponse safe(ConsoleResponse answer) {
        Map<String, String> headers = new HashMap<>(ALWAYS);
        headers.putAll(answer.headers());
        return new ConsoleResponse(answer.status(), headers, answer.body());
    }

    private ConsoleResponse answerOf(ConsoleRequest request) {
        if (!request.visitor().isKnown()) {
            return ConsoleResponse.plain(403, closed(request.visitor()));
        }
        String method = request.method().equals("HEAD") ? "GET" : request.method();
        Optional<ConsoleResponse> asset = method.equals("GET") ? assets.at(request.path()) : Optional.empty();
        if (asset.isPresent()) {
            return asset.get();
        }
        Route route = routes.get(method + " " + request.path());
        if (route == null) {
            boolean other = Stream.of("GET ", "POST ").anyMatch(each -> routes.containsKey(each + request.path()));
            return ConsoleResponse.plain(
                    other ? 405 : 404, (other ? method + " is not for " : "There is no page ") + request.path());
        }
        if (request.parameters().values().stream().flatMap(List::stream).anyMatch(value -> value.indexOf('\0') >= 0)) {
            return ConsoleResponse.plain(400, "A character with the code 0 is in no id, key or note.");
        }
        if (method.equals("POST") && !SameOrigin.holds(request)) {
            return ConsoleResponse.plain(
                    403,
                    "This form was not sent from a page of the console: neither Sec-Fetch-Site nor Origin says so. Nothing was done. "
                            + "Behind a proxy, let it pass Host or X-Forwarded-Host on.");
        }
        if (!request.visitor().access().includes(route.needed())) {
            return ConsoleResponse.plain(
                    403,
                    "You have the access " + request.visitor().access() + "; this needs " + route.needed()
                            + ". Who has which is said by " + settings.accessSetting() + ".");
        }
        return routed(route, request);
    }

    private String closed(ConsoleVisitor visitor) {
        return (visitor.name() == null
                        ? "Nobody is signed in, so there is no page. Put the console behind your login; "
                        : visitor.name() + " may not see the console; ")
                + "who may is said by " + settings.accessSetting() + ".";
    }

    private ConsoleResponse routed(Route route, ConsoleRequest request) {
        Map<String, LockingInvoiceBiller> billers;
        try {
            billers = settings.billers();
        } catch (InvoiceLockException e) {
            return ConsoleResponse.plain(503, String.valueOf(e.getMessage()));
        }
        String name = request.parameter("biller")
                .orElseGet(() -> billers.keySet().stream().findFirst().orElse(""));
        Visit visit = new Visit(request, settings, billers, name);
        if (billers.isEmpty()) {
            return visit.said(
                    503,
                    "No biller",
                    List.of("There is no biller in this application yet.", "See its log for why it was not built."));
        }
        if (!billers.containsKey(name)) {
            return visit.said(
                    404,
                    "No such biller",
                    List.of("There is no biller \"" + name + "\".", "There are: " + billers.keySet()));
        }
        return guarded(route, visit);
    }

    private static ConsoleResponse guarded(Route route, Visit visit) {
        try {
            return route.page().apply(visit);
        } catch (BadInput e) {
            return visit.said(400, "That cannot be", List.of(String.valueOf(e.getMessage()), "Nothing was done."));
        } catch (WordRefusedException e) {
            return visit.refused(String.valueOf(e.getMessage()));
        } catch (InvoiceNotMarkedException e) {
            return visit.said(
                    200,
                    "Decided, and not marked yet",
                    List.of(String.valueOf(e.getMessage()), "What you decided is in the journal."));
        } catch (DatabaseException e) {
            return visit.said(503, "The database cannot be asked", List.of(String.valueOf(e.getMessage())));
        } catch (InvoiceLockException e) {
            return visit.said(400, "That cannot be", List.of(String.valueOf(e.getMessage())));
        } catch (RuntimeException e) {
            LOG.error(
                    "console biller={}: {} failed",
                    visit.name(),
                    visit.request().method(),
                    e);
            return visit.said(500, "That failed", List.of("It is in the log of the application."));
        }
    }
}
