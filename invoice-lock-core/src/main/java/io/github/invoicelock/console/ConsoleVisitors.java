package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Who sends a request to the {@link ConsoleServlet}, by the host's own security. Called for each request; must be thread-safe. */
@FunctionalInterface
public interface ConsoleVisitors {
    /**
     * Who sends it.
     *
     * @param request as the host's filters have left it
     * @return {@link ConsoleVisitor#nobody()} if nobody is signed in
     */
    ConsoleVisitor of(HttpServletRequest request);

    /**
     * Visitors by the container's own roles. Who has none of them sees nothing.
     *
     * @param look the role that may look; null: no role has this alone
     * @param decide the role that may decide; null: no role has this alone
     * @param decideNotBilled the role that may say that the provider did not charge; null: nobody may
     * @return asks the request for its user and their roles
     */
    static ConsoleVisitors byRoles(@Nullable String look, @Nullable String decide, @Nullable String decideNotBilled) {
        return request -> {
            Principal principal = request.getUserPrincipal();
            return principal == null
                    ? ConsoleVisitor.nobody()
                    : ConsoleVisitor.named(
                            principal.getName(),
                            has(request, decideNotBilled)
                                    ? ConsoleAccess.DECIDE_NOT_BILLED
                                    : has(request, decide)
                                            ? ConsoleAccess.DECIDE
                                            : has(request, look) ? ConsoleAccess.LOOK : ConsoleAccess.NONE);
        };
    }

    private static boolean has(HttpServletRequest request, @Nullable String role) {
        return role != null && request.isUserInRole(role);
    }

    /**
     * The same visitors, with what the host asks of every form against forged requests.
     *
     * @param token of a request; empty if it asks for nothing
     * @return whose forms carry it
     */
    default ConsoleVisitors with(Function<? super HttpServletRequest, Optional<ConsoleVisitor.Token>> token) {
        requireNonNull(token, "token");
        return request -> token.apply(request)
                .map(each -> of(request).with(each.parameter(), each.value()))
                .orElseGet(() -> of(request));
    }
}
