package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.internal.setup.SettingRanges;
import io.github.invoicelock.spring.InvoiceLockProperties;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jooq.tools.json.JSONArray;
import org.jooq.tools.json.JSONObject;
import org.jooq.tools.json.JSONParser;
import org.jooq.tools.json.ParseException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** docs/settings.md names every setting and property that there is, and no other, with its true default and range. */
class SettingsPageTest {
    private static final String BILLER = "the biller";
    private static final String TABLE = "the table";
    private static final String RUN = "one run";
    private static final String GATEWAY = "the gateway";
    private static final String PROPERTIES = "spring boot";

    private static final Docs PAGE = Docs.page("docs/settings.md");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([\\w.-]+)` \\| ([^|\\n]*) \\| ([^|\\n]*) \\|");

    /**
     * One line of a table of the page.
     *
     * @param setting its first cell
     * @param second its second cell, without the marks of code
     * @param third its third cell, without the marks of code
     */
    private record Row(String setting, String second, String third) {}

    @Test
    void every_setting_of_the_builder_and_no_other() {
        assertThat(settings(BILLER))
                .containsExactlyInAnyOrderElementsOf(returningThemselves(LockingInvoiceBiller.Builder.class));
    }

    @Test
    void every_setting_of_the_table_and_no_other() {
        List<String> expected = new ArrayList<>(returningThemselves(InvoiceTable.class));
        expected.add("named");
        assertThat(settings(TABLE)).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void every_limit_of_a_run_and_no_other() {
        assertThat(settings(RUN)).containsExactlyInAnyOrderElementsOf(returningThemselves(RunLimits.class));
    }

    @Test
    void everything_that_a_gateway_may_declare_and_no_other() {
        assertThat(settings(GATEWAY))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(BillingGateway.class.getDeclaredMethods())
                        .filter(Method::isDefault)
                        .map(Method::getName)
                        .toList());
        BillingGateway plain = request -> BillingOutcome.unknown("not asked");
        assertThat(defaults(GATEWAY))
                .containsEntry("idempotencyWindow", shown(plain.idempotencyWindow()))
                .containsEntry("findLag", shown(plain.findLag()));
    }

    @Test
    void the_defaults_are_those_of_the_builder() throws ReflectiveOperationException {
        LockingInvoiceBiller.Builder builder =
                LockingInvoiceBiller.builder(new PGSimpleDataSource(), request -> BillingOutcome.unknown("not asked"));

        Map<String, String> kept = new LinkedHashMap<>();
        for (String setting : settings(BILLER)) {
            Object value = valueOf(builder, setting);
            // Where none is set, calls go to threads of the library's own; nothing else has a value of its own then.
            kept.put(setting, value == null && !setting.equals("executor") ? "none" : shown(value));
        }
        assertThat(defaults(BILLER)).containsExactlyEntriesOf(kept);
    }

    @Test
    void the_ranges_are_those_that_build_checks() {
        Map<String, String> ranges = new LinkedHashMap<>();
        rows(BILLER).forEach(row -> ranges.put(row.setting(), row.third()));

        assertThat(ranges)
                .containsEntry("concurrency", String.format(Locale.ROOT, "1 to %,d", SettingRanges.MOST_CONCURRENCY))
                .containsEntry("stopAfterFailures", String.format(Locale.ROOT, "1 to %,d", SettingRanges.MOST_FAILURES))
                .containsEntry("maxCallsPerSecond", "at least 0.001");
        assertThat(SettingRanges.rate(0.001, "a", "b")).isEqualTo(0.001);
        assertThatThrownBy(() -> SettingRanges.rate(0.000_9, "a", "b")).isInstanceOf(SetupException.class);
        for (String time : List.of("callTimeout", "leaseMargin", "waitTimeout")) {
            assertThat(ranges).containsEntry(time, "1 ms to 1 day");
        }
        SettingRanges.time(Duration.ofMillis(1), "a", "b");
        SettingRanges.time(Duration.ofDays(1), "a", "b");
        assertThatThrownBy(() -> SettingRanges.time(Duration.ofNanos(999_999), "a", "b"))
                .isInstanceOf(SetupException.class);
        assertThatThrownBy(() -> SettingRanges.time(Duration.ofDays(1).plusNanos(1), "a", "b"))
                .isInstanceOf(SetupException.class);
    }

    @Test
    void every_property_and_no_other_with_the_default_that_an_editor_shows() {
        Map<String, String> told = defaults(PROPERTIES);
        Map<String, String> metadata = metadata();

        assertThat(told.keySet())
                .as("the properties of the page")
                .containsAll(Arrays.stream(InvoiceLockProperties.class.getRecordComponents())
                        .map(component -> "invoice-lock." + kebab(component.getName()))
                        .toList());
        assertThat(told).containsExactlyInAnyOrderEntriesOf(metadata);
    }

    @Test
    void a_property_has_the_default_of_the_setting_it_is_for() {
        Map<String, String> settings = defaults(BILLER);

        assertThat(rows(PROPERTIES).stream().filter(property -> settings.containsKey(property.third())))
                .isNotEmpty()
                .allSatisfy(property -> {
                    String setting = property.third();
                    assertThat(property.setting()).isEqualTo("invoice-lock." + kebab(setting));
                    assertThat(asSetting(property.second()))
                            .as("the default of %s", property.setting())
                            .isEqualTo(String.valueOf(settings.get(setting)).toLowerCase(Locale.ROOT));
                });
    }

    /** As the page shows a setting: an enum's constant is written with dashes in a property. */
    private static String asSetting(String property) {
        return property.equals("false") ? "off" : property.replace('-', '_');
    }

    private static List<String> returningThemselves(Class<?> type) {
        return Stream.of(type.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()) && !Modifier.isStatic(method.getModifiers()))
                .filter(method -> method.getReturnType() == type)
                .map(Method::getName)
                .distinct()
                .toList();
    }

    private static @Nullable Object valueOf(LockingInvoiceBiller.Builder builder, String setting)
            throws ReflectiveOperationException {
        Field field =
                LockingInvoiceBiller.Builder.class.getDeclaredField(setting.equals("listener") ? "listeners" : setting);
        field.setAccessible(true);
        return field.get(builder);
    }

    private static String shown(@Nullable Object value) {
        if (value instanceof Duration time) {
            return time.isZero() ? "zero" : time.toSeconds() + " s";
        }
        if (value instanceof Boolean) {
            return Boolean.TRUE.equals(value) ? "on" : "off";
        }
        if (value instanceof Collection<?> several && several.isEmpty()) {
            return "none";
        }
        if (value instanceof RetryPolicy policy) {
            return policy.getClass() == RetryPolicy.standard().getClass() ? "RetryPolicy.standard()" : "another policy";
        }
        if (value instanceof BilledHook) {
            return "none";
        }
        if (value == null) {
            return "the library's own threads";
        }
        return value.equals(Double.POSITIVE_INFINITY) ? "no limit" : value.toString();
    }

    private static List<String> settings(String heading) {
        return rows(heading).stream().map(Row::setting).toList();
    }

    private static Map<String, String> defaults(String heading) {
        Map<String, String> defaults = new LinkedHashMap<>();
        rows(heading).forEach(row -> defaults.put(row.setting(), row.second()));
        return Collections.unmodifiableMap(defaults);
    }

    /** The rows of all tables between a heading of the second level and the next one. */
    private static List<Row> rows(String heading) {
        return Stream.of(PAGE.text().split("(?m)^## ", -1))
                .filter(section -> section.lines()
                        .findFirst()
                        .orElse("")
                        .toLowerCase(Locale.ROOT)
                        .equals(heading))
                .flatMap(section -> ROW.matcher(section).results())
                .map(row -> new Row(
                        row.group(1),
                        row.group(2).replace("`", "").strip(),
                        row.group(3).replace("`", "").strip()))
                .toList();
    }

    private static Map<String, String> metadata() {
        Map<String, String> defaults = new LinkedHashMap<>();
        try {
            for (String file : List.of(
                    "/META-INF/spring-configuration-metadata.json",
                    "/META-INF/additional-spring-configuration-metadata.json")) {
                try (InputStream resource = InvoiceLockProperties.class.getResourceAsStream(file)) {
                    if (resource != null) {
                        properties(new String(resource.readAllBytes(), StandardCharsets.UTF_8), defaults);
                    }
                }
            }
        } catch (IOException | ParseException e) {
            throw new AssertionError("The metadata cannot be read", e);
        }
        return defaults;
    }

    private static void properties(String json, Map<String, String> defaults) throws ParseException {
        JSONObject all = (JSONObject) new JSONParser().parse(json);
        for (Object property : (JSONArray) Objects.requireNonNull(all.get("properties"))) {
            JSONObject described = (JSONObject) property;
            String name = String.valueOf(described.get("name"));
            Object value = described.get("defaultValue");
            if (name.contains("invoice-lock")) { // the file may be another library's
                defaults.put(
                        name,
                        value == null
                                ? (name.endsWith("-per-second") ? "no limit" : "none")
                                : value.toString().replaceFirst("^(\\d+)s$", "$1 s"));
            }
        }
    }

    private static String kebab(String setting) {
        return setting.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }
}
