package live.tributary.mesh.program;

/** Options that cannot be used as they are given; the message names the value and what was expected. */
public final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public UsageException(String message) {
        super(message);
    }
}
