package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.StorableText;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** R20: whatever characters the host's code says, the database can store them. */
class StorableTextTest {
    private static final String LONE = "\ud800 and \udc00";
    private static final String EVERY_KIND = "plain \0 é € Ω 日 \uD83D\uDE00 " + LONE;

    private final TestHost host = new TestHost();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void nothing_is_lost_that_can_be_stored() {
        StorableText text = in("UTF8");
        String storable = "plain é € 日 \uD83D\uDE00";

        assertThat(text.of(storable)).isEqualTo(storable);
        assertThat(text.of("plain")).isSameAs("plain");
        assertThat(text.of("")).isEmpty();
        assertThat(text.ofNullable(null)).isNull();
        assertThat(text.of(EVERY_KIND)).isEqualTo("plain \uFFFD é € Ω 日 \uD83D\uDE00 \uFFFD and \uFFFD");
        assertThat(in("LATIN1").of(EVERY_KIND)).isEqualTo("plain ? é ? ? ? ? ? and ?");
        assertThat(in("LATIN9").of(EVERY_KIND)).isEqualTo("plain ? é € ? ? ? ? and ?");
        assertThat(in("EUC_JP").of(EVERY_KIND)).isEqualTo("plain ? ? ? ? ? ? ? and ?");
    }

    static Stream<String> encodings() {
        return Thorough.orOneIn(
                8,
                "StorableTextTest",
                List.of(
                        "LATIN1",
                        "LATIN2",
                        "LATIN3",
                        "LATIN4",
                        "LATIN5",
                        "LATIN6",
                        "LATIN7",
                        "LATIN8",
                        "LATIN9",
                        "LATIN10",
                        "ISO_8859_5",
                        "ISO_8859_6",
                        "ISO_8859_7",
                        "ISO_8859_8",
                        "KOI8R",
                        "KOI8U",
                        "WIN866",
                        "WIN874",
                        "WIN1250",
                        "WIN1251",
                        "WIN1252",
                        "WIN1253",
                        "WIN1254",
                        "WIN1255",
                        "WIN1256",
                        "WIN1257",
                        "WIN1258",
                        "EUC_JP",
                        "EUC_KR",
                        "EUC_CN",
                        "EUC_TW",
                        "EUC_JIS_2004"))
                .stream();
    }

    /** PostgreSQL is asked about every character of the basic plane. */
    @ParameterizedTest
    @MethodSource("encodings")
    @Tag(Thorough.SAMPLED)
    void each_encoding_takes_what_was_made_for_it(String encoding) {
        StringBuilder all = new StringBuilder();
        for (int each = 0; each <= 0xFFFF; each++) {
            all.append((char) each).append(' ');
        }
        String made = in(encoding).of(all.toString());

        assertThat(DSL.using(host.dataSource(), org.jooq.SQLDialect.POSTGRES)
                        .fetchValue("select length(convert_to({0}, {1}))", DSL.val(made), DSL.val(encoding)))
                .isNotNull();
    }

    @ParameterizedTest
    @CsvSource({"LATIN1, plain ? é ? ? ? ? ? and ?", "SQL_ASCII, plain \uFFFD é € Ω 日 \uD83D\uDE00 \uFFFD and \uFFFD"})
    void a_database_of_another_encoding_gives_back_what_was_stored(String encoding, String expected) {
        WithoutPgBouncer.because("the database is made by hand");
        String name = host.database().name() + "_" + encoding.toLowerCase(java.util.Locale.ROOT);
        host.sql("create database " + name + " encoding '" + encoding
                + "' template template0 lc_collate 'C' lc_ctype 'C'");
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(host.database().jdbcUrl().replace(host.database().name(), name));
            pool.setMaximumPoolSize(1);
            Server server = Server.ask(pool);
            Database database = Database.of(
                    pool, server, SessionSettings.momentary(Duration.ofSeconds(10), SessionSettings.Work.ONE_ROW));
            String made = database.storableText().of(EVERY_KIND);

            Object stored = database.inTransaction(tx -> {
                tx.execute("create table texts (value text)");
                tx.insertInto(DSL.table("texts"), DSL.field("value", SQLDataType.VARCHAR))
                        .values(made)
                        .execute();
                return tx.fetchValue("select value from texts");
            });

            assertThat(server.encoding()).isEqualTo(encoding);
            assertThat(stored).isEqualTo(made).isEqualTo(expected);
        } finally {
            host.sql("drop database if exists " + name + " with (force)");
        }
    }

    private StorableText in(String encoding) {
        Server asked = Server.ask(host.dataSource());
        return StorableText.on(new Server(
                asked.version(),
                false,
                true,
                asked.role(),
                encoding,
                "on",
                Duration.ZERO,
                Map.copyOf(asked.meanings())));
    }
}
