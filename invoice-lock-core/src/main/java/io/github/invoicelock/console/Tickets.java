package io.github.invoicelock.console;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;

/** Secrets that open something for a while; of too many the oldest is forgotten. */
final class Tickets {
    private static final int BYTES = 32;

    private final SecureRandom random = new SecureRandom();
    private final Deque<Ticket> issued = new ArrayDeque<>();
    private final int most;
    private final Duration life;

    private record Ticket(String secret, Instant until) {
        /** Takes as long whatever is told. */
        boolean is(String told) {
            return MessageDigest.isEqual(
                    secret.getBytes(StandardCharsets.UTF_8), told.getBytes(StandardCharsets.UTF_8));
        }
    }

    Tickets(int most, Duration life) {
        this.most = most;
        this.life = life;
    }

    synchronized String issue(Instant now) {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        String secret = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        if (issued.size() == most) {
            issued.removeFirst();
        }
        issued.addLast(new Ticket(secret, now.plus(life)));
        return secret;
    }

    synchronized boolean knows(String secret, Instant now) {
        return issued.stream().anyMatch(each -> each.is(secret) && now.isBefore(each.until()));
    }

    /** Once. */
    synchronized boolean redeem(String secret, Instant now) {
        boolean known = knows(secret, now);
        issued.removeIf(each -> each.is(secret));
        return known;
    }
}
