/**
 * Bills every pending invoice of a PostgreSQL table exactly once, from many servers, whatever crashes in between.
 *
 * <p>What is {@code static} belongs to rooms that a host opens by bringing it: migrations, metrics, Spring Boot, the test kit.
 */
module io.github.invoicelock {
    requires transitive java.sql;
    requires transitive org.jooq;
    requires org.postgresql.jdbc;
    requires org.slf4j;
    requires static transitive org.jspecify;

    requires static gg.jte.runtime;
    requires static jakarta.servlet;
    requires static flyway.core; // the name of its file: Flyway has given it none
    requires static micrometer.core;
    requires static micrometer.observation;
    requires static spring.beans;
    requires static spring.boot;
    requires static spring.boot.actuator;
    requires static spring.boot.actuator.autoconfigure;
    requires static spring.boot.autoconfigure;
    requires static spring.boot.health;
    requires static spring.boot.sql;
    requires static spring.context;
    requires static spring.core;
    requires static spring.jdbc;
    requires static spring.security.web;
    requires static spring.tx;
    requires static java.net.http;
    requires static jdk.httpserver;
    requires static org.junit.jupiter.api;

    exports io.github.invoicelock;
    exports io.github.invoicelock.console;
    exports io.github.invoicelock.micrometer;
    exports io.github.invoicelock.spring;
    exports io.github.invoicelock.testkit;

    // Spring and JUnit look into these, Flyway reads those
    opens io.github.invoicelock.spring;
    opens io.github.invoicelock.testkit;
    opens io.github.invoicelock.citus;
    opens io.github.invoicelock.journal;
}
