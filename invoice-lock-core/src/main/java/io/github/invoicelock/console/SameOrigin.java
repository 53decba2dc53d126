package io.github.invoicelock.console;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Whether a form was sent from a page of the console's own. */
final class SameOrigin {
    private SameOrigin() {}

    /** What a browser that is too old for both headers sends is refused: nothing tells where it comes from. */
    static boolean holds(ConsoleRequest request) {
        Optional<String> site = request.header("Sec-Fetch-Site");
        if (site.isPresent()) {
            return site.get().equals("same-origin");
        }
        return request.header("Origin")
                .flatMap(SameOrigin::authority)
                .filter(origin -> hosts(request).anyMatch(origin::equals))
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
