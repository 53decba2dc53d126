package io.github.invoicelock.examples.stripe.demo;

import java.util.stream.Stream;
import org.springframework.context.annotation.Bean;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;

/** Who can sign in to the console while the demonstration runs, on loopback alone. */
final class DemoPeople {
    static final String PASSWORD = "demonstration";

    /** A name, a role of {@code application.properties}, and what that role may. */
    enum Person {
        SAM("sam", "SUPPORT", "may look"),
        ANN("ann", "BILLING", "may decide"),
        EVA("eva", "HEAD_OF_BILLING", "may decide, and also send a new key for what was closed");

        private final String user;
        private final String role;
        private final String may;

        Person(String user, String role, String may) {
            this.user = user;
            this.role = role;
            this.may = may;
        }

        String user() {
            return user;
        }

        String may() {
            return may;
        }
    }

    @Bean
    UserDetailsService people() {
        return new InMemoryUserDetailsManager(Stream.of(Person.values())
                .map(person -> User.withUsername(person.user)
                        .password("{noop}" + PASSWORD)
                        .roles(person.role)
                        .build())
                .toList());
    }
}
