package io.github.invoicelock;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** How long sources are, in lines. A method counts from its annotations to its last brace, without its Javadoc. */
final class SourceLengths {
    private SourceLengths() {}

    static Map<String, Integer> ofFiles(Path folder) {
        Map<String, Integer> lengths = new TreeMap<>();
        for (Path file : sources(folder)) {
            try {
                lengths.put(
                        folder.relativize(file).toString(),
                        Files.readAllLines(file).size());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return lengths;
    }

    /** The longest of those that share class and name. */
    static Map<String, Integer> ofMethods(Path folder) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Map<String, Integer> lengths = new TreeMap<>();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, UTF_8)) {
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, null, List.of("-proc:none"), null, files.getJavaFileObjectsFromPaths(sources(folder)));
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                unit.accept(new Methods(unit, positions, lengths), "");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return lengths;
    }

    private static List<Path> sources(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Visits with the name of the class around. */
    private static final class Methods extends TreeScanner<Void, String> {
        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final Map<String, Integer> lengths;

        Methods(CompilationUnitTree unit, SourcePositions positions, Map<String, Integer> lengths) {
            this.unit = unit;
            this.positions = positions;
            this.lengths = lengths;
        }

        @Override
        public Void visitClass(ClassTree tree, String around) {
            return super.visitClass(
                    tree, around.isEmpty() ? tree.getSimpleName().toString() : around + "." + tree.getSimpleName());
        }

        @Override
        public Void visitMethod(MethodTree tree, String around) {
            long first = unit.getLineMap().getLineNumber(positions.getStartPosition(unit, tree));
            long last = unit.getLineMap().getLineNumber(positions.getEndPosition(unit, tree));
            lengths.merge(around + "." + tree.getName(), Math.toIntExact(last - first + 1), Math::max);
            return super.visitMethod(tree, around);
        }
    }
}
