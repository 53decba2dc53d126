package io.github.invoicelock.examples.postgres;

import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/** An empty database of its own on a {@link PostgresServer}. */
public final class PostgresDatabase implements AutoCloseable {
    private final String name;
    private final String jdbcUrl;
    private final Runnable drop;

    PostgresDatabase(String name, String jdbcUrl, Runnable drop) {
        this.name = name;
        this.jdbcUrl = jdbcUrl;
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
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        return dataSource;
    }

    /** Drops it, whoever is still connected. */
    @Override
    public void close() {
        drop.run();
    }
}
