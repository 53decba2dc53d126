package io.github.invoicelock.spring;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Pages of all that waits for a person, cause by cause: each is found by an index, whatever their number. */
final class Waiting {
    private static final char BEHIND_THE_CAUSE = '~';

    private Waiting() {}

    /**
     * One page.
     *
     * @param after null for the first
     * @throws IllegalArgumentException if it is none of this method's
     */
    static Page<BillingAttempt> page(LockingInvoiceBiller biller, PageRequest request, @Nullable String after) {
        List<BillingAttempt> rows = new ArrayList<>();
        int cause = after == null ? 0 : causeOf(after);
        String cursor = after == null ? "" : after.substring(after.indexOf(BEHIND_THE_CAUSE) + 1);
        List<AttemptCause> causes = List.of(AttemptCause.values());
        while (cause < causes.size()) {
            PageRequest left = PageRequest.first(request.size() - rows.size());
            Page<BillingAttempt> page = biller.find(
                    AttemptFilter.all().cause(causes.get(cause)), cursor.isEmpty() ? left : left.after(cursor));
            rows.addAll(page.rows());
            if (page.next() != null) {
                return new Page<>(rows, causes.get(cause).name() + BEHIND_THE_CAUSE + page.next());
            }
            cause++;
            cursor = "";
            if (rows.size() == request.size() && cause < causes.size()) {
                return new Page<>(rows, causes.get(cause).name() + BEHIND_THE_CAUSE);
            }
        }
        return new Page<>(rows, null);
    }

    private static int causeOf(String after) {
        int end = after.indexOf(BEHIND_THE_CAUSE);
        return Stream.of(AttemptCause.values())
                .filter(cause -> end > 0 && cause.name().equals(after.substring(0, end)))
                .findFirst()
                .map(List.of(AttemptCause.values())::indexOf)
                .orElseThrow(() -> new IllegalArgumentException(
                        "after is \"" + after + "\"; it must be what the page before says to be next."));
    }
}
