package io.github.invoicelock.console;

import gg.jte.TemplateOutput;
import gg.jte.html.HtmlTemplateOutput;
import gg.jte.html.OwaspHtmlTemplateOutput;
import gg.jte.output.StringOutput;
import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.console.pages.Frame;
import io.github.invoicelock.console.pages.SaidPage;
import io.github.invoicelock.console.pages.WaitingPage;
import io.github.invoicelock.console.pages.templates.JtesaidGenerated;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request about one biller. */
record Visit(ConsoleRequest request, ConsoleSettings settings, Map<String, LockingInvoiceBiller> billers, String name) {
    private static final Logger LOG = LoggerFactory.getLogger(Console.class);
    private static final int PAGE = 50;
    private static final Instant LAST_DAY = Instant.parse("9999-12-30T00:00:00Z");

    private static final Map<String, String> NOTICES = Map.of(
            "retried", "Released. The next run of any server continues it.",
            "resolved", "Decided. It is in the journal under your name.",
            "asked", "The provider was asked. Its answer is in the story below; nothing was changed by it.",
            "proposed", "Proposed. A second person has to say the same.",
            "paused", "Paused. No server claims or sends anything until somebody resumes.",
            "resumed", "Resumed. Servers go on with their next runs.");

    LockingInvoiceBiller biller() {
        LockingInvoiceBiller biller = billers.get(name);
        if (biller == null) {
            throw new IllegalStateException("The biller \"" + name + "\" is gone.");
        }
        return biller;
    }

    String who() {
        String who = request.visitor().name();
        return who == null ? "" : who;
    }

    boolean may(ConsoleAccess access) {
        return request.visitor().access().includes(access);
    }

    Frame frame(String title, String section) {
        return frame(title, section, name);
    }

    Frame frame(String title, String section, String about) {
        ConsoleVisitor.Token token = request.visitor().token();
        return new Frame(
                request.base(),
                title,
                section,
                who(),
                new Frame.Rights(may(ConsoleAccess.DECIDE), may(ConsoleAccess.DECIDE_NOT_BILLED)),
                token == null ? List.of() : List.of(new Frame.Field(token.parameter(), token.value())),
                List.copyOf(billers.keySet()),
                about,
                notice());
    }

    /** What was just done, from a closed list; and not by a link of somebody else's, who would have done nothing. */
    private @Nullable String notice() {
        return SameOrigin.cameFromUs(request)
                ? request.parameter("done").map(NOTICES::get).orElse(null)
                : null;
    }

    /** Rendered whole before anything is sent: a page that fails half way is none. */
    static ConsoleResponse page(int status, Consumer<HtmlTemplateOutput> template) {
        StringOutput html = new StringOutput();
        TemplateOutput plain = html;
        template.accept(new OwaspHtmlTemplateOutput(plain));
        return ConsoleResponse.of(
                status, "text/html; charset=utf-8", html.toString().getBytes(StandardCharsets.UTF_8));
    }

    ConsoleResponse said(int status, String title, List<String> lines) {
        SaidPage page = new SaidPage(frame(title, ""), lines, List.of(), null, "Back to the first page");
        return page(status, out -> JtesaidGenerated.render(out, null, page));
    }

    /** What was decided on has changed, or cannot be decided. */
    ConsoleResponse refused(String why) {
        Frame frame = frame("Nothing was done", "");
        SaidPage page = new SaidPage(
                frame,
                List.of(why),
                List.of(),
                request.parameter("id").map(frame::invoice).orElse(null),
                request.parameter("id").isPresent() ? "Look at the invoice as it is now" : "Back to the first page");
        return page(409, out -> JtesaidGenerated.render(out, null, page));
    }

    /** What is shown of what ended something half way: what is not in the library's own words is in the log alone. */
    String told(RuntimeException failure) {
        if (failure instanceof InvoiceLockException) {
            return String.valueOf(failure.getMessage());
        }
        LOG.error("console biller={}: {} was cut off", name, request.path(), failure);
        return "It is in the log of the application.";
    }

    ConsoleResponse backTo(String path, String done) {
        return ConsoleResponse.seeOther(
                frame("", "").link(path, "id", request.parameter("id").orElse(null), "done", done));
    }

    String needed(String parameter, String what) {
        return request.parameter(parameter).orElseThrow(() -> new BadInput(what + " is missing."));
    }

    /** Which attempts are meant; each field as it was typed. */
    WaitingPage.Filter typed() {
        return new WaitingPage.Filter(
                request.parameter("cause").orElse(""),
                request.parameter("state").orElse(""),
                request.parameter("from").orElse(""),
                request.parameter("until").orElse(""));
    }

    AttemptFilter filter() {
        AttemptFilter filter = AttemptFilter.all().waiting();
        WaitingPage.Filter typed = typed();
        if (!typed.cause().isEmpty()) {
            filter = filter.cause(oneOf(AttemptCause.class, typed.cause()));
        }
        if (!typed.state().isEmpty()) {
            filter = filter.state(oneOf(AttemptState.class, typed.state()));
        }
        Instant from = day("from");
        Instant until = day("until");
        filter = from == null ? filter : filter.from(from);
        return until == null ? filter : filter.until(until);
    }

    static <E extends Enum<E>> E oneOf(Class<E> type, String text) {
        return List.of(type.getEnumConstants()).stream()
                .filter(each -> each.name().equals(text))
                .findFirst()
                .orElseThrow(
                        () -> new BadInput("\"" + text + "\" is none of " + List.of(type.getEnumConstants()) + "."));
    }

    /** A day's beginning, or a moment; null if nothing was typed. */
    @Nullable
    Instant day(String parameter) {
        String text = request.parameter(parameter).orElse(null);
        if (text == null) {
            return null;
        }
        try {
            Instant moment = text.length() == "2026-11-30".length()
                    ? LocalDate.parse(text).atStartOfDay(settings.zone()).toInstant()
                    : Instant.parse(text);
            if (moment.isBefore(Instant.EPOCH) || moment.isAfter(LAST_DAY)) {
                throw new BadInput("\"" + text + "\" is not between 1970 and 9999.");
            }
            return moment;
        } catch (DateTimeParseException e) {
            throw new BadInput("\"" + text + "\" is no day. Write 2026-11-30, or 2026-11-30T09:00:00Z for a moment.");
        }
    }

    <T> Page<T> paged(Function<PageRequest, Page<T>> list) {
        return paged(list, PAGE);
    }

    <T> Page<T> paged(Function<PageRequest, Page<T>> list, int size) {
        PageRequest first = PageRequest.first(size);
        try {
            return list.apply(request.parameter("after").map(first::after).orElse(first));
        } catch (IllegalArgumentException e) {
            throw new BadInput(String.valueOf(e.getMessage()));
        }
    }
}
