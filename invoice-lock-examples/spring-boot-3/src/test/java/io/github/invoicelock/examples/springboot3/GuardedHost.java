package io.github.invoicelock.examples.springboot3;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;

/** What a host adds for the console: a login, users of several roles, and for the tests a provider that refuses. */
final class GuardedHost {
    static final String PASSWORD = "secret";

    @Bean
    SecurityFilterChain login(HttpSecurity http) throws Exception {
        return http.authorizeHttpRequests(requests -> requests.requestMatchers("/invoice-lock/**")
                        .authenticated()
                        .anyRequest()
                        .permitAll())
                .formLogin(Customizer.withDefaults())
                .httpBasic(Customizer.withDefaults())
                .build();
    }

    @Bean
    UserDetailsService people() {
        List<UserDetails> people = Stream.of("sam:SUPPORT", "ann:BILLING", "eva:HEAD_OF_BILLING", "tom:SALES")
                .map(each -> each.split(":", 2))
                .map(each -> User.withUsername(each[0])
                        .password("{noop}" + PASSWORD)
                        .roles(each[1])
                        .build())
                .toList();
        return new InMemoryUserDetailsManager(people);
    }

    @Bean
    BillingGateway refusing() {
        return request -> BillingOutcome.declined("card_declined", "Your card was declined.");
    }
}
