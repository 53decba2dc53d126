package io.github.invoicelock;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** The ways in which an invoice can be billed, for tests that hold in each: {@code mvn verify} takes some, others each time. */
final class Ways {
    private Ways() {}

    /** A test that holds in both scopes; one of them is taken. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @ArgumentsSource(Scopes.class)
    @Tag(Thorough.SAMPLED)
    @interface InEveryScope {}

    /** A test that holds with all three strategies; two of them are taken. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @ArgumentsSource(Strategies.class)
    @Tag(Thorough.SAMPLED)
    @interface WithEveryStrategy {}

    /** A test that holds with all three strategies in both scopes; two of the six are taken. */
    @Target(ElementType.METHOD)
    @Retention(RetentionPolicy.RUNTIME)
    @ParameterizedTest
    @ArgumentsSource(StrategiesAndScopes.class)
    @Tag(Thorough.SAMPLED)
    @interface WithEveryStrategyInEveryScope {}

    private static final class Scopes extends Sampled {
        private Scopes() {
            super(2, Stream.of(LockScope.values()).map(Arguments::of).toList());
        }
    }

    private static final class Strategies extends Sampled {
        private Strategies() {
            super(2, Stream.of(LockStrategy.values()).map(Arguments::of).toList());
        }
    }

    private static final class StrategiesAndScopes extends Sampled {
        private StrategiesAndScopes() {
            super(3, EveryCall.everyStrategyInEveryScope().toList());
        }
    }

    private abstract static class Sampled implements ArgumentsProvider {
        private final int oneIn;
        private final List<Arguments> all;

        private Sampled(int oneIn, List<Arguments> all) {
            this.oneIn = oneIn;
            this.all = all;
        }

        @Override
        public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext test) {
            return Thorough.some(oneIn, test.getRequiredTestMethod().toString(), all).stream();
        }
    }
}
