package live.tributary.protocol.bencode;

/** Input from a network or a disk that is not what its format says; the message names the field, the value and what was expected. */
public class FormatException extends Exception {
    private static final long serialVersionUID = 1;

    public FormatException(String message) {
        super(message);
    }

    /** Carries the message of a value that refused its arguments. */
    public FormatException(IllegalArgumentException cause) {
        super(String.valueOf(cause.getMessage()), cause);
    }

    public FormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
