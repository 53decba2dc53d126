package io.github.invoicelock.examples.stripe;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

/**
 * A login before the console, with Spring Security's token in every form. Who may look and who may decide is said by roles, in
 * {@code application.properties}. Nothing else is touched: Stripe signs what it sends, and the actuator is left to the inner network.
 */
@Configuration(proxyBeanMethods = false)
class ConsoleSecurity {
    // tag::login[]
    @Bean
    SecurityFilterChain login(HttpSecurity http) throws Exception {
        return http.securityMatcher("/invoice-lock/**", "/login", "/logout", "/default-ui.css")
                .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                .formLogin(Customizer.withDefaults()) // in production: that of your company
                .build();
    }
    // end::login[]
}
