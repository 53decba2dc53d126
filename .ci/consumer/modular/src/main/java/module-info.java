/** A host that is a module. */
module consumer.modular {
    requires io.github.invoicelock;
    requires java.naming; // the driver, which names nothing itself, asks for it
    requires java.sql;
    requires org.jooq;
    requires org.postgresql.jdbc;
}
