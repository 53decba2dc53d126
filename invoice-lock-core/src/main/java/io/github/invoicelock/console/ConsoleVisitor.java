package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * Who is at the door, as the host's own security knows them. Immutable.
 *
 * @param name who decides, as it is kept in the journal; null if nobody is signed in: then there is no page, whatever the access
 * @param access what they may do
 * @param token what the host asks of every form against forged requests; null if it asks for nothing
 */
public record ConsoleVisitor(
        @Nullable String name,
        ConsoleAccess access,
        @Nullable Token token) {
    private static final ConsoleVisitor NOBODY = new ConsoleVisitor(null, ConsoleAccess.NONE, null);

    /**
     * A token of the host's against forged requests (CSRF), for the forms to send along.
     *
     * @param parameter the name of the form's field
     * @param value what it must hold
     */
    public record Token(String parameter, String value) {}

    /**
     * Checked.
     *
     * @param name as above
     * @param access as above
     * @param token as above
     */
    public ConsoleVisitor {
        requireNonNull(access, "access");
    }

    /**
     * Nobody is signed in.
     *
     * @return for whom there is no page
     */
    public static ConsoleVisitor nobody() {
        return NOBODY;
    }

    /**
     * Somebody whom the host knows.
     *
     * @param name who decides, as it is kept in the journal
     * @param access what they may do
     * @return a visitor without a token
     */
    public static ConsoleVisitor named(String name, ConsoleAccess access) {
        return new ConsoleVisitor(requireNonNull(name, "name"), access, null);
    }

    /**
     * The same, with what the host asks of every form.
     *
     * @param parameter the name of the form's field
     * @param value what it must hold
     * @return a visitor with a token
     */
    public ConsoleVisitor with(String parameter, String value) {
        return new ConsoleVisitor(name, access, new Token(parameter, value));
    }

    /** Whether there is a page for them. */
    boolean isKnown() {
        return name != null && !name.isBlank() && access != ConsoleAccess.NONE;
    }
}
