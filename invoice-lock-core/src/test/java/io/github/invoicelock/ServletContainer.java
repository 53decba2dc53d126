package io.github.invoicelock;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.security.Principal;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.jspecify.annotations.Nullable;

/** A plain Tomcat with a login of the host's: who signs in is said by the header X-Test-User, {@code ann:role,role}, or by its cookie. */
final class ServletContainer implements AutoCloseable {
    private final Tomcat tomcat;

    private ServletContainer(Tomcat tomcat) {
        this.tomcat = tomcat;
    }

    static ServletContainer with(String contextPath, HttpServlet console, Filter... more) throws Exception {
        Tomcat tomcat = new Tomcat();
        File folder = Files.createTempDirectory("tomcat").toFile();
        tomcat.setBaseDir(folder.getPath());
        tomcat.setPort(0);
        tomcat.setSilent(true);
        tomcat.getConnector();
        Context context = tomcat.addContext(contextPath, folder.getPath());
        filter(context, "login", new Login());
        for (Filter each : more) {
            filter(context, each.getClass().getSimpleName(), each);
        }
        Tomcat.addServlet(context, "console", console).addMapping("/invoice-lock/*");
        tomcat.start();
        return new ServletContainer(tomcat);
    }

    private static void filter(Context context, String name, Filter filter) {
        FilterDef defined = new FilterDef();
        defined.setFilterName(name);
        defined.setFilter(filter);
        context.addFilterDef(defined);
        FilterMap everywhere = new FilterMap();
        everywhere.setFilterName(name);
        everywhere.addURLPattern("/*");
        context.addFilterMap(everywhere);
    }

    URI at(String path) {
        return URI.create("http://localhost:" + tomcat.getConnector().getLocalPort() + path);
    }

    @Override
    public void close() throws LifecycleException {
        tomcat.stop();
        tomcat.destroy();
    }

    /** As a host's security does: wraps the request. */
    private static final class Login extends HttpFilter {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            String user = user(request);
            chain.doFilter(user == null ? request : signedIn(request, user), response);
        }

        private static @Nullable String user(HttpServletRequest request) {
            String header = request.getHeader("X-Test-User");
            if (header != null || request.getCookies() == null) {
                return header;
            }
            return List.of(request.getCookies()).stream()
                    .filter(cookie -> cookie.getName().equals("test-user"))
                    .map(jakarta.servlet.http.Cookie::getValue)
                    .findFirst()
                    .orElse(null);
        }

        private static HttpServletRequest signedIn(HttpServletRequest request, String user) {
            String[] parts = user.split(":", 2);
            List<String> roles = List.of(parts[1].split("\\.", -1));
            return new HttpServletRequestWrapper(request) {
                @Override
                public Principal getUserPrincipal() {
                    return () -> parts[0];
                }

                @Override
                public boolean isUserInRole(String role) {
                    return roles.contains(role);
                }
            };
        }
    }
}
