package live.tributary.origin.ingest;

import live.tributary.protocol.bencode.FormatException;

/** A playlist names something outside its feed, which is not read: all that it names may be, and it is said once. */
final class ForeignLocationException extends FormatException {
    private static final long serialVersionUID = 1;

    ForeignLocationException(String message) {
        super(message);
    }
}
