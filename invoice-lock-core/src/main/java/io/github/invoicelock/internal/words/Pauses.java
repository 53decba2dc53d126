package io.github.invoicelock.internal.words;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.journal.Billers;
import io.github.invoicelock.internal.settlement.Tables;

/** How people stop billing on all servers, and let it go on: one word in the journal, which every claim looks at. */
public final class Pauses {
    private final Database database;
    private final Billers billers;
    private final Notices notices;

    Pauses(Tables tables, Notices notices) {
        this.database = tables.database();
        this.billers = tables.journal().billers();
        this.notices = notices;
    }

    public void pause(String who, String why) {
        required(who, "who", "Say who pauses, e.g. \"ann\"");
        required(why, "why", "Say why, e.g. \"wrong amounts\"");
        database.inTransaction(tx -> {
            billers.pause(tx, who, why);
            return null;
        });
        tell();
    }

    public void resume(String who) {
        required(who, "who", "Say who resumes, e.g. \"ann\"");
        database.inTransaction(tx -> {
            billers.resume(tx, who);
            return null;
        });
        tell();
    }

    private void tell() {
        Billers.Standing standing = database.atOnce(billers.look());
        notices.standing(standing.pause(), standing.resumedBy());
    }

    private static void required(String text, String what, String remedy) {
        if (text.isBlank()) {
            throw new InvoiceLockException(
                    what + " is blank; it is kept in the journal, and told on every server. " + remedy + ".");
        }
    }
}
