package io.github.invoicelock.examples.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.sql.Connection;
import org.junit.jupiter.api.Test;

class PostgresServerTest {
    @Test
    void a_database_of_its_own_is_there_until_it_is_closed() throws Exception {
        PostgresDatabase database = PostgresServer.shared().createDatabase();
        try (Connection connection = database.dataSource().getConnection()) {
            assertThat(connection.getCatalog()).isEqualTo(database.name());
        }
        database.close();
        // Past PgBouncer, which would go on asking the server for two minutes.
        assertThatThrownBy(() -> database.directDataSource().getConnection()).hasMessageContaining(database.name());
    }

    @Test
    void a_server_that_is_named_is_taken_before_any_other() {
        String url = PostgresServer.shared().jdbcUrl();
        try (PostgresServer named = PostgresServer.start(url, () -> fail("asked Docker"), () -> fail("started one"))) {
            assertThat(named.jdbcUrl()).isEqualTo(url);
        }
    }

    @Test
    void a_named_server_that_does_not_answer_is_an_error_that_names_the_setting() {
        assertThatThrownBy(() -> PostgresServer.start(
                        "jdbc:postgresql://127.0.0.1:1/none?user=a", () -> false, () -> fail("started one")))
                .hasMessageContaining(PostgresServer.PROPERTY);
    }

    @Test
    void with_none_possible_the_error_says_what_to_do() {
        assertThatThrownBy(() -> PostgresServer.start(null, () -> false, () -> {
                    throw new IOException("no binaries for this machine");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no binaries for this machine")
                .hasMessageContaining(PostgresServer.PROPERTY)
                .hasMessageContaining(PostgresServer.VARIABLE);
    }
}
