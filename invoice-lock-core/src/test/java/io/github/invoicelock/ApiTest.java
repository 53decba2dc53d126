package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Executable;
import java.lang.reflect.Member;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What a host can name is what {@code docs/api.txt} lists: a change of the API is seen in the diff.
 *
 * <p>{@code -Dinvoicelock.api.write=true} writes the list anew. {@code docs/compatibility.md} says what may change when.
 */
class ApiTest {

    private static final Path LIST = Path.of("..", "docs", "api.txt");

    @Test
    void what_hosts_can_name_is_what_the_list_says() throws IOException {
        List<String> signatures = signatures();
        if (Boolean.getBoolean("invoicelock.api.write")) {
            Files.write(LIST, signatures);
        }

        assertThat(signatures)
                .as(
                        "If the change is meant, and docs/compatibility.md allows it: run ApiTest with -Dinvoicelock.api.write=true")
                .isEqualTo(Files.readAllLines(LIST));
    }

    @Test
    void what_is_internal_is_in_no_signature() throws IOException {
        assertThat(signatures()).noneMatch(line -> line.contains(".internal."));
    }

    @Test
    void each_package_says_since_when_its_types_are_there() {
        assertThat(opened().map(Class::getPackageName).distinct())
                .hasSizeGreaterThan(4)
                .allSatisfy(
                        name -> assertThat(Path.of("src", "main", "java", name.replace('.', '/'), "package-info.java"))
                                .content()
                                .contains(" * @since "));
    }

    private static List<String> signatures() {
        return opened().map(ApiTest::signature).flatMap(String::lines).toList();
    }

    private static Stream<Class<?>> opened() {
        return new ClassFileImporter()
                        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                        .importPackages("io.github.invoicelock")
                        .stream()
                        .filter(type -> !type.getPackageName().startsWith("io.github.invoicelock.internal"))
                        .filter(type -> !type.getPackageName().startsWith("io.github.invoicelock.console.pages"))
                        // on the class path of the tests alone
                        .filter(type -> !type.getPackageName().startsWith("io.github.invoicelock.examples"))
                        .<Class<?>>map(JavaClass::reflect)
                        .filter(ApiTest::isOpen)
                        .sorted(Comparator.comparing(Class::getName));
    }

    /** What a host can name: public, or protected, all the way out. */
    private static boolean isOpen(Class<?> type) {
        return isOpen(type.getModifiers())
                && !type.isAnonymousClass()
                && (type.getDeclaringClass() == null || isOpen(type.getDeclaringClass()));
    }

    private static boolean isOpen(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }

    private static String signature(Class<?> type) {
        Stream<String> fields = Arrays.stream(type.getDeclaredFields())
                .filter(ApiTest::isListed)
                .map(field -> named(field.getModifiers(), field.getAnnotatedType(), field.getName()));
        Stream<String> constructors = Arrays.stream(type.getDeclaredConstructors())
                .filter(ApiTest::isListed)
                .map(constructor -> Modifier.toString(constructor.getModifiers()) + " new" + parameters(constructor));
        Stream<String> methods = Arrays.stream(type.getDeclaredMethods())
                .filter(ApiTest::isListed)
                .map(method -> named(
                        method.getModifiers(), method.getAnnotatedReturnType(), method.getName() + parameters(method)));
        return Stream.concat(
                        Stream.of(header(type)),
                        Stream.of(fields, constructors, methods)
                                .flatMap(Function.identity())
                                .sorted()
                                .map(member -> "    " + member))
                .collect(Collectors.joining("\n"));
    }

    private static <M extends Member> boolean isListed(M member) {
        return isOpen(member.getModifiers()) && !member.isSynthetic();
    }

    private static String header(Class<?> type) {
        String kind = type.isRecord() ? "record" : type.isEnum() ? "enum" : type.isInterface() ? "interface" : "class";
        // which words a JDK's own description of a class has, differs; these are the ones that matter to a host
        int modifiers =
                type.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED | Modifier.ABSTRACT | Modifier.FINAL);
        String header = Modifier.toString(type.isInterface() ? modifiers & ~Modifier.ABSTRACT : modifiers) + " " + kind
                + " " + type.getName();
        if (type.isRecord()) {
            header += Arrays.stream(type.getRecordComponents())
                    .map(component -> named(0, component.getAnnotatedType(), component.getName()))
                    .collect(Collectors.joining(", ", "(", ")"));
        }
        Class<?> parent = type.getSuperclass();
        if (parent != null && !List.of(Object.class, Enum.class, Record.class).contains(parent)) {
            header += " extends " + parent.getName();
        }
        if (type.isSealed()) {
            header += Arrays.stream(type.getPermittedSubclasses())
                    .map(Class::getSimpleName)
                    .sorted() // compilers differ
                    .collect(Collectors.joining(", ", " permits ", ""));
        }
        return header
                + Arrays.stream(type.getGenericInterfaces())
                        .map(Type::getTypeName)
                        .map(name -> " implements " + name)
                        .collect(Collectors.joining());
    }

    private static String parameters(Executable executable) {
        String exceptions = Arrays.stream(executable.getGenericExceptionTypes())
                .map(Type::getTypeName)
                .map(name -> " throws " + name)
                .collect(Collectors.joining());
        return Arrays.stream(executable.getAnnotatedParameterTypes())
                        .map(parameter -> named(0, parameter, ""))
                        .collect(Collectors.joining(", ", "(", ")"))
                + exceptions;
    }

    private static String named(int modifiers, AnnotatedType type, String name) {
        String nullness = type.isAnnotationPresent(Nullable.class) ? "@Nullable " : "";
        // volatile and transient have the bits of bridge and varargs
        String words = Modifier.toString(modifiers & ~(Modifier.TRANSIENT | Modifier.VOLATILE | Modifier.SYNCHRONIZED));
        return (words + " " + nullness + type.getType().getTypeName() + " " + name).strip();
    }
}
