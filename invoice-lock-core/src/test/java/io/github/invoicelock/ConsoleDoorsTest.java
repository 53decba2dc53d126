package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleServer;
import io.github.invoicelock.console.ConsoleServlet;
import io.github.invoicelock.console.ConsoleSettings;
import io.github.invoicelock.console.ConsoleVisitor;
import io.github.invoicelock.console.ConsoleVisitors;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.web.filter.ForwardedHeaderFilter;

/** The console behind its two doors: a servlet container, and the JDK's own server on loopback. */
class ConsoleDoorsTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final LockingInvoiceBiller biller = host.running(host.server(TestProvider.thatRemembers()));
    private final Console console = new Console(ConsoleSettings.of(biller));
    private final HttpClient http = HttpClient.newHttpClient();

    @AfterEach
    void close() {
        host.close();
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static HttpRequest.Builder form(URI address, String form, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(address)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form));
        return headers.length == 0 ? request : request.headers(headers);
    }

    @Test
    void in_a_servlet_container_the_context_path_the_proxys_prefix_and_the_login_hold() throws Exception {
        try (ServletContainer container = ServletContainer.with(
                "/shop", new ConsoleServlet(console, ConsoleVisitors.byRoles("support", "billing", "head")))) {
            URI first = container.at("/shop/invoice-lock/");
            assertThat(send(HttpRequest.newBuilder(first)).statusCode())
                    .as("nobody is signed in")
                    .isEqualTo(403);

            HttpResponse<String> page = send(HttpRequest.newBuilder(first).header("X-Test-User", "ann:billing"));
            assertThat(page.statusCode()).isEqualTo(200);
            assertThat(page.body()).contains("href=\"/shop/invoice-lock/console.css\"", "ann", "may decide");
            assertThat(page.headers().firstValue("Content-Security-Policy")).isPresent();

            HttpResponse<String> behind = send(HttpRequest.newBuilder(first)
                    .headers("X-Test-User", "sam:support", "X-Forwarded-Prefix", "/tools/"));
            assertThat(behind.body())
                    .contains("href=\"/tools/shop/invoice-lock/waiting?biller=invoices\"")
                    .doesNotContain("Pause billing");
            HttpResponse<String> forged = send(HttpRequest.newBuilder(first)
                    .headers("X-Test-User", "sam:support", "X-Forwarded-Prefix", "//evil.test"));
            assertThat(forged.body()).contains("href=\"/shop/invoice-lock/console.css\"");
        }
    }

    @Test
    void in_a_servlet_container_a_form_of_the_same_origin_decides() throws Exception {
        try (ServletContainer container = ServletContainer.with(
                "", new ConsoleServlet(console, ConsoleVisitors.byRoles("support", "billing", "head")))) {
            URI pause = container.at("/invoice-lock/pause");
            String why = "why=falsche+Betr%C3%A4ge";

            assertThat(send(form(pause, why, "X-Test-User", "ann:billing")).statusCode())
                    .as("neither header says where it comes from")
                    .isEqualTo(403);
            assertThat(send(form(pause, why, "X-Test-User", "ann:support", "Sec-Fetch-Site", "same-origin"))
                            .statusCode())
                    .isEqualTo(403);
            HttpResponse<String> done = send(form(
                    pause,
                    why,
                    "X-Test-User",
                    "ann:billing",
                    "Origin",
                    container.at("").toString()));
            assertThat(done.statusCode()).isEqualTo(303);
            assertThat(done.headers().firstValue("Location").orElseThrow()).startsWith("/invoice-lock/?");
            assertThat(String.valueOf(biller.status().pause())).contains("ann", "falsche Beträge");
        }
    }

    @Test
    void what_a_filter_of_the_hosts_has_understood_of_a_proxy_holds_for_links_and_for_the_origin() throws Exception {
        try (ServletContainer container = ServletContainer.with(
                "/shop",
                new ConsoleServlet(console, ConsoleVisitors.byRoles("support", "billing", "head")),
                new ForwardedHeaderFilter())) {
            String[] proxied = {
                "X-Test-User", "ann:billing",
                "X-Forwarded-Proto", "https",
                "X-Forwarded-Host", "desk.test",
                "X-Forwarded-Prefix", "/tools"
            };
            HttpResponse<String> page = send(
                    HttpRequest.newBuilder(container.at("/shop/invoice-lock/")).headers(proxied));
            assertThat(page.body()).contains("href=\"/tools/invoice-lock/console.css\"");

            URI pause = container.at("/shop/invoice-lock/pause");
            HttpResponse<String> done = send(form(pause, "why=outage", proxied).header("Origin", "https://desk.test"));
            assertThat(done.statusCode()).isEqualTo(303);
            assertThat(done.headers().firstValue("Location").orElseThrow()).startsWith("/tools/invoice-lock/?");
            assertThat(send(form(pause, "why=outage", proxied).header("Origin", "https://evil.test"))
                            .statusCode())
                    .isEqualTo(403);
        }
    }

    @Test
    void on_loopback_an_address_opens_once_and_becomes_a_session() throws Exception {
        try (ConsoleServer server =
                ConsoleServer.start(console, 0, ConsoleVisitor.named("ann", ConsoleAccess.DECIDE))) {
            URI root = URI.create("http://127.0.0.1:" + server.port());
            assertThat(send(HttpRequest.newBuilder(root)).statusCode()).isEqualTo(403);
            URI address = server.newAddress();

            HttpResponse<String> opened = send(HttpRequest.newBuilder(address));
            assertThat(opened.statusCode()).isEqualTo(303);
            String cookie = opened.headers().firstValue("Set-Cookie").orElseThrow();
            assertThat(cookie).contains("HttpOnly", "SameSite=Strict");
            assertThat(send(HttpRequest.newBuilder(address)).statusCode())
                    .as("an address opens once")
                    .isEqualTo(403);

            String session = cookie.split(";", -1)[0];
            HttpResponse<String> page = send(HttpRequest.newBuilder(root).header("Cookie", session));
            assertThat(page.statusCode()).isEqualTo(200);
            assertThat(page.body()).contains("Wait for a person", "href=\"/console.css\"");
            assertThat(send(HttpRequest.newBuilder(root).header("Cookie", session + "x"))
                            .statusCode())
                    .isEqualTo(403);

            HttpResponse<String> paused = send(form(
                    root.resolve("/pause"), "why=wrong+amounts", "Cookie", session, "Sec-Fetch-Site", "same-origin"));
            assertThat(paused.statusCode()).isEqualTo(303);
            assertThat(String.valueOf(biller.status().pause())).contains("ann", "wrong amounts");
        }
    }

    @Test
    void on_loopback_an_address_is_void_once_there_is_a_newer_one() throws Exception {
        try (ConsoleServer server =
                ConsoleServer.start(console, 0, ConsoleVisitor.named("ann", ConsoleAccess.DECIDE))) {
            List<URI> addresses = List.of(server.newAddress(), server.newAddress());

            assertThat(send(HttpRequest.newBuilder(addresses.get(0))).statusCode())
                    .isEqualTo(403);
            assertThat(send(HttpRequest.newBuilder(addresses.get(1))).statusCode())
                    .isEqualTo(303);
        }
    }

    @Test
    void on_loopback_another_hosts_name_and_a_form_that_is_none_are_refused() throws Exception {
        try (ConsoleServer server = open()) {
            assertThat(raw(server, "GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 421");
            assertThat(send(form(root(server).resolve("/pause"), "why=%zz", "Cookie", session(server)))
                            .statusCode())
                    .isEqualTo(400);
        }
    }

    @Test
    void on_loopback_every_answer_has_the_headers_that_keep_a_page_safe() throws Exception {
        try (ConsoleServer server = open()) {
            String session = session(server);
            String large = "why=" + "x".repeat(16 * 1024 * 1024);
            URI pause = root(server).resolve("/pause");
            List<HttpResponse<String>> answers = List.of(
                    send(HttpRequest.newBuilder(root(server))),
                    send(HttpRequest.newBuilder(root(server).resolve("/?token=wrong"))),
                    send(HttpRequest.newBuilder(server.newAddress())),
                    send(HttpRequest.newBuilder(root(server)).header("Cookie", session)),
                    send(HttpRequest.newBuilder(root(server).resolve("/nowhere"))
                            .header("Cookie", session)),
                    send(form(pause, "why=%zz", "Cookie", session)),
                    send(form(pause, large, "Cookie", session)));

            assertThat(answers).extracting(HttpResponse::statusCode).containsExactly(403, 403, 303, 200, 404, 400, 413);
            assertThat(answers).allSatisfy(answer -> {
                assertThat(answer.headers().firstValue("Cache-Control")).hasValue("no-store");
                assertThat(answer.headers().firstValue("X-Content-Type-Options"))
                        .hasValue("nosniff");
                assertThat(answer.headers()
                                .firstValue("Content-Security-Policy")
                                .orElse(""))
                        .contains("frame-ancestors 'none'");
            });
            assertThat(raw(server, "GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n"))
                    .containsIgnoringCase("Cache-control: no-store");
        }
    }

    @Test
    void on_loopback_two_consoles_of_one_machine_have_a_cookie_each() throws Exception {
        try (ConsoleServer one = open();
                ConsoleServer other = open()) {
            String first = session(one);
            String second = session(other);

            assertThat(first.split("=", 2)[0]).isNotEqualTo(second.split("=", 2)[0]);
            for (ConsoleServer server : List.of(one, other)) {
                // As a browser does: cookies know no port.
                assertThat(send(HttpRequest.newBuilder(root(server)).header("Cookie", first + "; " + second))
                                .statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void on_loopback_nothing_is_read_of_the_form_of_who_has_no_session() throws Exception {
        try (ConsoleServer server = open()) {
            String withoutItsBody = "POST /pause HTTP/1.1\r\nHost: 127.0.0.1:" + server.port()
                    + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 16000000\r\n\r\n";
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                socket.setSoTimeout(20_000);
                socket.getOutputStream().write(withoutItsBody.getBytes(StandardCharsets.US_ASCII));

                byte[] status = socket.getInputStream().readNBytes("HTTP/1.1 403".length());

                assertThat(new String(status, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 403");
            }
        }
    }

    /** More than a page of a list, with a last row that cannot be read. */
    private void manyOfWhichTheLastCannotBeRead() {
        host.sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, cause, owner, calls, "
                        + "lease_until, settled_at, invoice) select 'invoices', g::text, 1, md5(g::text), 'NOT_BILLED', 'TRIES_USED_UP', 'x', 1, "
                        + "now(), now(), '{\"id\": 1}' from generate_series(1, 1100) g");
        host.sql("do $$ declare c record; begin for c in select conname from pg_constraint where contype = 'c' and "
                + "conrelid = 'invoice_lock.billing_attempt'::regclass loop execute format('alter table invoice_lock.billing_attempt "
                + "drop constraint %I', c.conname); end loop; end $$");
        host.sql("update invoice_lock.billing_attempt set cause = 'NONE_THAT_IS_KNOWN' where invoice_id = '1'");
    }

    @Test
    void on_loopback_a_list_that_breaks_off_does_not_look_whole() throws Exception {
        manyOfWhichTheLastCannotBeRead();
        try (ConsoleServer server = open()) {
            String list = raw(
                    server,
                    "GET /waiting.csv HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() + "\r\nCookie: " + session(server)
                            + "\r\nConnection: close\r\n\r\n");

            assertThat(list).startsWith("HTTP/1.1 200").contains("\"INCOMPLETE\"");
            assertThat(list).as("the chunk that ends a whole one is missing").doesNotEndWith("\r\n0\r\n\r\n");
        }
    }

    @Test
    void in_a_servlet_container_a_list_that_breaks_off_does_not_look_whole() throws Exception {
        manyOfWhichTheLastCannotBeRead();
        try (ServletContainer container = ServletContainer.with(
                "", new ConsoleServlet(console, ConsoleVisitors.byRoles("support", "billing", "head")))) {
            HttpRequest.Builder list = HttpRequest.newBuilder(container.at("/invoice-lock/waiting.csv"))
                    .header("X-Test-User", "ann:support");

            assertThatThrownBy(() -> send(list)).isInstanceOf(IOException.class);
        }
    }

    private ConsoleServer open() throws IOException {
        return ConsoleServer.start(console, 0, ConsoleVisitor.named("ann", ConsoleAccess.DECIDE));
    }

    private static URI root(ConsoleServer server) {
        return URI.create("http://127.0.0.1:" + server.port());
    }

    private String session(ConsoleServer server) throws Exception {
        return send(HttpRequest.newBuilder(server.newAddress()))
                .headers()
                .firstValue("Set-Cookie")
                .orElseThrow()
                .split(";", -1)[0];
    }

    /** All that is answered until the connection ends. */
    private static String raw(ConsoleServer server, String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(60_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
