package io.github.invoicelock.console;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Whether a form was sent, or a link followed, from a page of the console's own. */
final class SameOrigin {
    private SameOrigin() {}

    /** What a browser that is too old for both headers sends is refused: nothing tells where it comes from. */
    static boolean holds(ConsoleRequest request) {
        return isFromUs(request, "Origin");
    }

    /** Whether somebody came to a page from one of the same origin: not by a link in a message or on another site. */
    static boolean cameFromUs(ConsoleRequest request) {
        return isFromUs(request, "Referer");
    }

    private static boolean isFromUs(ConsoleRequest request, String otherwise) {
        Optional<String> site = request.header("Sec-Fetch-Site");
        return site.isPresent()
                ? site.get().equals("same-origin")
                : request.header(otherwise)
                        .flatMap(SameOrigin::authority)
                        .filter(from -> hosts(request).anyMatch(from::equals))
                        .isPresent();
    }

    /** A proxy's header cannot come from another site's form: the browser would ask before it sends one. */
    private static Stream<String> hosts(ConsoleRequest request) {
        return Stream.of(request.header("Host"), request.header("X-Forwarded-Host"))
                .flatMap(Optional::stream)
                .map(host -> host.split(",", 2)[0].strip().toLowerCase(Locale.ROOT));
    }

    private static Optional<String> authority(String origin) {
        try {
            return Optional.ofNullable(new URI(origin).getRawAuthority()).map(each -> each.toLowerCase(Locale.ROOT));
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
