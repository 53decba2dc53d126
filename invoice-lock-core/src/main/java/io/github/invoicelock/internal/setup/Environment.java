package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import java.util.Objects;
import org.jooq.DSLContext;
import org.jooq.Name;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** Which environment a journal is of: a copy of production's database is not to bill with production's credentials by accident. */
public final class Environment {
    private final Server server;
    private final Name installation;
    private final String schema;

    private Environment(Server server, String schema) {
        this.server = server;
        this.schema = schema;
        this.installation = name(schema, "installation");
    }

    /**
     * Keeps the environment that is said first, and holds every later biller to it.
     *
     * @param database the door
     * @param server what it said of itself
     * @param schema where the journal is
     * @param said by this biller; null if it says none
     * @throws SetupException if another one is kept, or one is kept and none is said, or it may not be kept
     */
    public static void require(Database database, Server server, String schema, @Nullable String said) {
        Environment environment = new Environment(server, schema);
        String kept = database.inTransaction(tx -> environment.keptOr(tx, said));
        if (!Objects.equals(kept, said)) {
            throw environment.refused(String.valueOf(kept), said);
        }
    }

    private @Nullable String keptOr(DSLContext tx, @Nullable String said) {
        String kept = kept(tx);
        if (kept != null || said == null) {
            return kept;
        }
        boolean may = tx.fetchSingle(
                        "select has_column_privilege({0}, 'environment', 'update')", val(rendered(installation)))
                .get(0, Boolean.class);
        if (!may) {
            throw new SetupException("environment is \"" + said + "\", and role \"" + server.role()
                    + "\" may not keep it in the journal. Run: grant update (environment) on " + rendered(installation)
                    + " to " + rendered(name(server.role())) + "; or keep it by hand: " + update(said) + ".");
        }
        // Of two that are the first at once, the second waits, and finds what the first has kept.
        tx.execute("update {0} set environment = {1} where environment is null", installation, val(said));
        return kept(tx);
    }

    private @Nullable String kept(DSLContext tx) {
        return tx.fetchSingle("select environment from {0}", installation).get(0, String.class);
    }

    private SetupException refused(String kept, @Nullable String said) {
        return new SetupException("environment is " + (said == null ? "not set" : "\"" + said + "\"")
                + ", but the journal \"" + schema + "\" is of \"" + kept + "\". Where this is the database of \"" + kept
                + "\", say .environment(\"" + kept
                + "\"). Where it is a copy, see that nothing here has the provider's credentials of \""
                + kept + "\", then run: " + update(said == null ? "staging" : said) + ".");
    }

    private String update(String environment) {
        return "update " + rendered(installation) + " set environment = "
                + DSL.using(SQLDialect.POSTGRES).renderInlined(DSL.inline(environment));
    }

    private static String rendered(Name name) {
        return DSL.using(SQLDialect.POSTGRES).render(name);
    }
}
