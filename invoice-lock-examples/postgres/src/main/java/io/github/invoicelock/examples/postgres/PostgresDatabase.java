package io.github.invoicelock.examples.postgres;

import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/** An empty database of its own on a {@link PostgresServer}. */
public final class PostgresDatabase implements AutoCloseable {
    private final String name;
    private final String jdbcUrl;
    private final String directUrl;
    private final Runnable drop;

    PostgresDatabase(String name, String jdbcUrl, String directUrl, Runnable drop) {
        this.name = name;
        this.jdbcUrl = jdbcUrl;
        this.directUrl = directUrl;
        this.drop = drop;
    }

    /**
     * Its name.
     *
     * @return unique on its server
     */
    public String name() {
        return name;
    }

    /**
     * Where it is.
     *
     * @return a JDBC URL with user and password
     */
    public String jdbcUrl() {
        return jdbcUrl;
    }

    /**
     * A DataSource without a pool.
     *
     * @return a new one
     */
    public DataSource dataSource() {
        return of(jdbcUrl);
    }

    /**
     * A DataSource without a pool, and past the PgBouncer in front, if there is one: each connection has a session to itself.
     *
     * @return a new one
     */
    public DataSource directDataSource() {
        return of(directUrl);
    }

    private static DataSource of(String url) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(url);
        return dataSource;
    }

    /** Drops it, whoever is still connected. */
    @Override
    public void close() {
        drop.run();
    }
}
