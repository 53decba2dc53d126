package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.Contender.Family;
import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * Cells that were measured beside one another, and how they compare: repetition by repetition, since a machine is seldom as fast as a minute
 * ago.
 *
 * @param measured the repetitions of each
 */
record Comparison(Map<Cell, List<Repetition>> measured) {
    List<Result> results() {
        return measured.keySet().stream().map(this::result).toList();
    }

    private Result result(Cell cell) {
        List<Repetition> repetitions = of(cell);
        Predicate<Cell> bound = other -> other.servers() == cell.servers() && other.contender() == Contender.BY_HAND;
        Predicate<Cell> rowLock =
                other -> other.servers() == cell.servers() && other.contender().family == Family.ROW_LOCK;
        return new Result(
                cell.section(),
                cell.contender().name(),
                cell.title(),
                cell.servers(),
                cell.waits(),
                cell.pending(),
                cell.paid(),
                cell.mix().name(),
                median(repetitions, Repetition::perSecond),
                speed(repetitions, bound),
                speed(repetitions, rowLock),
                speed(
                        repetitions,
                        other -> other.servers() == 1
                                && cell.servers() > 1
                                && other.contender() == cell.contender()
                                && other.listener() == cell.listener()),
                median(repetitions, Repetition::walBytesPerInvoice),
                new Result.Processor(
                        median(repetitions, Repetition::jvmMicros),
                        known(median(repetitions, repetition -> repetition.processorMicros() - repetition.jvmMicros())),
                        cost(repetitions, bound),
                        cost(repetitions, rowLock)),
                repetitions);
    }

    /** Of the fastest of some others; null if none of them was measured. */
    private @Nullable Double speed(List<Repetition> repetitions, Predicate<Cell> others) {
        return ratio(repetitions, others, Repetition::perSecond, DoubleStream::max);
    }

    /** Of the cheapest of some others. */
    private @Nullable Double cost(List<Repetition> repetitions, Predicate<Cell> others) {
        return ratio(repetitions, others, Repetition::processorMicros, DoubleStream::min);
    }

    private @Nullable Double ratio(
            List<Repetition> repetitions,
            Predicate<Cell> others,
            ToDoubleFunction<Repetition> of,
            Function<DoubleStream, OptionalDouble> best) {
        List<List<Repetition>> beside =
                measured.keySet().stream().filter(others).map(this::of).toList();
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < repetitions.size(); i++) {
            int which = i;
            double own = of.applyAsDouble(repetitions.get(i));
            best.apply(beside.stream().mapToDouble(other -> of.applyAsDouble(other.get(which))))
                    .ifPresent(theirs -> ratios.add(own / theirs));
        }
        return known(Result.median(ratios));
    }

    private List<Repetition> of(Cell cell) {
        return measured.getOrDefault(cell, List.of());
    }

    private static double median(List<Repetition> repetitions, ToDoubleFunction<Repetition> of) {
        return Result.median(repetitions.stream().mapToDouble(of).boxed().toList());
    }

    private static @Nullable Double known(double number) {
        return Double.isNaN(number) ? null : number;
    }
}
