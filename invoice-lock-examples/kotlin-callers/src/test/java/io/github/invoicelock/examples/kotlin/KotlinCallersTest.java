package io.github.invoicelock.examples.kotlin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kotlin's compiler knows what may be null in the API, with its default settings. */
class KotlinCallersTest {
    private static final String HOST = """
            import io.github.invoicelock.*
            import java.sql.Connection
            import java.time.Duration
            import javax.sql.DataSource

            class Gateway : BillingGateway {
                override fun bill(request: BillingRequest): BillingOutcome =
                    if (request.invoiceId.isEmpty()) BillingOutcome.declined("no_id", "none")
                    else BillingOutcome.billed("ch_" + request.idempotencyKey)

                override fun idempotencyWindow(): Duration = Duration.ofHours(23)
            }

            fun host(dataSource: DataSource, connection: Connection, perhaps: String?) {
                val biller = LockingInvoiceBiller.builder(dataSource, Gateway())
                    .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                    .onBilled { transaction, attempt, reference -> println(attempt.invoiceId + reference) }
                    .build()
                val run: BillingRun = biller.billPending()
                println(run.billed)
                val attempt: BillingAttempt = biller.attempts(1L)[0]
                val told: String = when (val outcome = BillingOutcome.unknown("why")) {
                    is BillingOutcome.Billed -> outcome.reference
                    else -> "no"
                }
                println(told + perhaps)
                if (biller.withdraw(connection, 1L) == Withdrawal.WITHDRAWN) connection.commit()
                // HERE
            }
            """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // by JUnit
    private Path directory;

    @Test
    void a_host_that_minds_them_compiles() throws Exception {
        assertThat(compiled("println(attempt.message?.length); println(biller.status().oldestDue?.toMillis())"))
                .doesNotContain("error:");
    }

    @Test
    void one_that_gives_null_or_forgets_that_it_may_get_null_is_refused() throws Exception {
        assertThat(compiled("""
                biller.bill(null)
                biller.report(perhaps, BillingOutcome.billed("ch_1"))
                BillingOutcome.billed(perhaps)
                println(attempt.message.length)
                println(biller.status().oldestDue.toMillis())
                """).lines().filter(line -> line.contains("error:")))
                .satisfiesExactly(
                        error -> assertThat(error).contains("ull cannot be a value of a non-null type 'Any'"),
                        error -> assertThat(error).contains("'String?', but 'String' was expected"),
                        error -> assertThat(error).contains("'String?', but 'String' was expected"),
                        error -> assertThat(error).contains("nullable receiver of type 'String?'"),
                        error -> assertThat(error).contains("nullable receiver of type 'Duration?'"));
    }

    private String compiled(String line) throws Exception {
        Path source = Files.writeString(directory.resolve("Host.kt"), HOST.replace("// HERE", line));
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ExitCode exit = new K2JVMCompiler()
                .exec(
                        new PrintStream(said, true, StandardCharsets.UTF_8),
                        "-no-stdlib",
                        "-no-reflect",
                        "-classpath",
                        System.getProperty("java.class.path"),
                        "-d",
                        directory.resolve("classes").toString(),
                        source.toString());
        String text = said.toString(StandardCharsets.UTF_8);
        assertThat(exit == ExitCode.OK).as(text).isNotEqualTo(text.contains("error:"));
        return text;
    }
}
