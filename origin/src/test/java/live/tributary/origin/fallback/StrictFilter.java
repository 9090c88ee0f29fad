package live.tributary.origin.fallback;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * What stands before an S3 server and refuses what R2 does not implement: chunked signing, ACLs, tags. It can be down, full, or
 * silent too. Requests pass byte for byte, one a connection, since their signatures cover what they say.
 */
final class StrictFilter implements AutoCloseable {
    private static final int MAX_HEAD = 64 * 1024;

    /** Each request's method and path, in order, with the status that it got. */
    final List<String> log = new CopyOnWriteArrayList<>();

    volatile Mood mood = Mood.WELL;

    enum Mood {
        WELL,
        /** Closes every connection. */
        DOWN,
        /** Takes a request and never answers. */
        SILENT,
        /** Answers that there is no room. */
        FULL
    }

    private final URI server;
    private final ServerSocket socket;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    StrictFilter(URI server) throws IOException {
        this.server = server;
        this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        threads.execute(this::accept);
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }

    /** How many puts of chunks were answered well. */
    long chunkPuts() {
        return log.stream()
                .filter(line -> line.startsWith("PUT ") && line.endsWith(".ts 200"))
                .count();
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket client = socket.accept();
                threads.execute(() -> serve(client));
            } catch (IOException e) {
                assert socket.isClosed() : e;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            if (mood == Mood.DOWN) {
                return;
            }
            InputStream in = client.getInputStream();
            String head = head(in);
            String request = head.substring(0, head.indexOf(" HTTP/"));
            if (mood == Mood.SILENT) {
                log.add(request + " -");
                in.transferTo(OutputStream.nullOutputStream()); // Until the client gives up.
                return;
            }
            String refusal = refusal(head.toLowerCase(Locale.ROOT));
            if (mood == Mood.FULL && request.startsWith("PUT")) {
                refusal = "507 Insufficient Storage";
            }
            if (!refusal.isEmpty()) {
                log.add(request + " " + refusal.substring(0, 3));
                client.getOutputStream()
                        .write(("HTTP/1.1 " + refusal + "\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                in.skipNBytes(in.available());
                return;
            }
            pass(client, head, request);
        } catch (IOException e) {
            log.add("broken: " + e.getMessage());
        }
    }

    private static String refusal(String head) {
        boolean unknown = head.contains("\r\nx-amz-acl")
                || head.contains("\r\nx-amz-tagging")
                || head.contains("\r\nx-amz-content-sha256: streaming-");
        return unknown ? "501 Not Implemented" : "";
    }

    private void pass(Socket client, String head, String request) throws IOException {
        try (Socket to = new Socket(server.getHost(), server.getPort())) {
            String once = head.replaceAll("(?i)\r\n(connection|expect):[^\r]*", "")
                    .replaceFirst("\r\n\r\n$", "\r\nconnection: close\r\n\r\n");
            to.getOutputStream().write(once.getBytes(StandardCharsets.ISO_8859_1));
            if (head.toLowerCase(Locale.ROOT).contains("expect: 100-continue")) {
                client.getOutputStream().write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            }
            threads.execute(() -> {
                try {
                    client.getInputStream().transferTo(to.getOutputStream());
                } catch (IOException e) {
                    assert client.isClosed() || to.isClosed() : e;
                }
            });
            byte[] answer = to.getInputStream().readAllBytes();
            log.add(request + " " + new String(answer, 9, 3, StandardCharsets.US_ASCII));
            client.getOutputStream().write(answer);
        }
    }

    private static String head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        int matched = 0;
        while (matched < 4) {
            int read = in.read();
            if (read < 0 || head.size() > MAX_HEAD) {
                throw new IOException("no request");
            }
            head.write(read);
            matched = read == "\r\n\r\n".charAt(matched) ? matched + 1 : read == '\r' ? 1 : 0;
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() throws IOException {
        socket.close();
        threads.shutdownNow();
    }
}
