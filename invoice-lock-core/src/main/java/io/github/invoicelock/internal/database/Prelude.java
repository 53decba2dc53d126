package io.github.invoicelock.internal.database;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import org.jooq.DSLContext;

/**
 * Statements that go before others in the same round trip, and whose answers are of no interest.
 *
 * @param sql ends with a semicolon, unless it is empty
 * @param statements how many
 */
record Prelude(String sql, int statements) {
    private static final String BETWEEN = "; ";

    static final Prelude NONE = new Prelude("", 0);

    static Prelude of(List<String> statements) {
        return new Prelude(String.join(BETWEEN, statements) + BETWEEN, statements.size());
    }

    /** By themselves. */
    void run(DSLContext tx) {
        tx.connection(connection -> {
            try (PreparedStatement statement =
                    connection.prepareStatement(sql.substring(0, sql.length() - BETWEEN.length()))) {
                statement.setFetchSize(0);
                statement.execute();
            }
        });
    }

    /** Leaves out their answers. */
    void skip(PreparedStatement executed) throws SQLException {
        for (int i = 0; i < statements; i++) {
            executed.getMoreResults();
        }
    }
}
