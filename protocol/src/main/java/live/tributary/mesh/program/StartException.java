package live.tributary.mesh.program;

/** A failure that the operator can mend, told in one line without a stack trace. */
public final class StartException extends Exception {
    private static final long serialVersionUID = 1;

    public StartException(String message) {
        super(message);
    }

    public StartException(String message, Throwable cause) {
        super(message, cause);
    }
}
