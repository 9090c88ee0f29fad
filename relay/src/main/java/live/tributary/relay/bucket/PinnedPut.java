package live.tributary.relay.bucket;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import live.tributary.mesh.store.ChunkBytes;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Endpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One HTTP PUT to an address that a stranger named.
 *
 * <p>Only https, and only global unicast addresses, unless the network is a private one; the address that was looked at is the
 * one that is connected to, and its certificate must be the name's. No redirect is followed, an answer's first line is all that
 * is read, and everything together has half a minute.
 */
public final class PinnedPut implements AutoCloseable {
    /** The longest first line of an answer. */
    static final int MAX_STATUS_LINE = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(PinnedPut.class);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration WHOLE_TIMEOUT = Duration.ofSeconds(30);
    private static final int SLICE = 64 * 1024;
    private static final int HTTPS_PORT = 443;
    private static final int HTTP_PORT = 80;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3})(?: .*)?");

    private final boolean privateAddresses;
    private final IntToLongFunction uplink;
    private final LongConsumer sent;
    private final SSLSocketFactory tls;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "courier-timer");
        thread.setDaemon(true);
        return thread;
    });

    /**
     * @param privateAddresses whether plain http and private addresses are allowed ({@code --dht-private})
     * @param uplink asks to send so many bytes; 0, or the nanoseconds to wait
     * @param sent counts bytes of chunks that were sent
     */
    public PinnedPut(boolean privateAddresses, IntToLongFunction uplink, LongConsumer sent) {
        this(privateAddresses, uplink, sent, (SSLSocketFactory) SSLSocketFactory.getDefault());
    }

    PinnedPut(boolean privateAddresses, IntToLongFunction uplink, LongConsumer sent, SSLSocketFactory tls) {
        this.privateAddresses = privateAddresses;
        this.uplink = uplink;
        this.sent = sent;
        this.tls = tls;
    }

    /** Returns the status of the answer, whatever it is. */
    int put(URI url, List<String> headers, ChunkRecord record, ChunkBytes chunks) throws IOException {
        boolean secure = "https".equalsIgnoreCase(url.getScheme());
        if (!secure && !(privateAddresses && "http".equalsIgnoreCase(url.getScheme()))) {
            throw new IOException(url.getScheme() + " (expected: https)");
        }
        InetAddress address = address(url);
        int port = url.getPort() >= 0 ? url.getPort() : secure ? HTTPS_PORT : HTTP_PORT;
        try (Socket plain = new Socket()) {
            Future<?> tooLate = timer.schedule(() -> close(plain), WHOLE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            try {
                plain.connect(new InetSocketAddress(address, port), (int) CONNECT_TIMEOUT.toMillis());
                plain.setSoTimeout((int) ANSWER_TIMEOUT.toMillis());
                return exchange(secure ? secured(plain, url.getHost(), port) : plain, url, headers, record, chunks);
            } finally {
                tooLate.cancel(false);
            }
        }
    }

    private InetAddress address(URI url) throws IOException {
        String host = Optional.ofNullable(url.getHost()).orElse("");
        if (host.isEmpty() || url.getRawUserInfo() != null) {
            throw new IOException("URL without a host, or with a user (expected: https://host/path)");
        }
        InetAddress address = InetAddress.getByName(host);
        if (!privateAddresses && !Endpoint.isGlobalUnicast(address)) {
            throw new IOException(host + ": " + address.getHostAddress() + " (expected: global unicast)");
        }
        return address;
    }

    private Socket secured(Socket plain, String host, int port) throws IOException {
        SSLSocket socket = (SSLSocket) tls.createSocket(plain, host, port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    private int exchange(Socket socket, URI url, List<String> headers, ChunkRecord record, ChunkBytes chunks)
            throws IOException {
        StringBuilder head = new StringBuilder("PUT ")
                .append(url.getRawPath())
                .append(" HTTP/1.1\r\nhost: ")
                .append(url.getRawAuthority())
                .append("\r\ncontent-length: ")
                .append(record.length())
                .append("\r\nconnection: close\r\n");
        headers.forEach(header -> head.append(header).append("\r\n"));
        OutputStream out = socket.getOutputStream();
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        for (int at = 0; at < record.length(); at += SLICE) {
            int length = Math.min(SLICE, record.length() - at);
            awaitTurn(length);
            Optional<ByteBuf> slice = chunks.read(record, at, length);
            if (slice.isEmpty()) {
                throw new IOException("the chunk is gone");
            }
            try {
                slice.get().readBytes(out, length);
            } finally {
                slice.get().release();
            }
            sent.accept(length);
        }
        out.flush();
        return status(socket.getInputStream());
    }

    private void awaitTurn(int bytes) throws IOException {
        try {
            for (long wait = uplink.applyAsLong(bytes); wait > 0; wait = uplink.applyAsLong(bytes)) {
                TimeUnit.NANOSECONDS.sleep(wait);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static int status(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int read = in.read(); read != '\n'; read = in.read()) {
            if (read < 0 || line.length() >= MAX_STATUS_LINE) {
                throw new IOException("answer: no status within " + line.length() + " bytes");
            }
            line.append((char) read);
        }
        Matcher matcher = STATUS.matcher(line.toString().strip());
        if (!matcher.matches()) {
            throw new IOException("answer: not HTTP/1.1");
        }
        return Integer.parseInt(matcher.group(1));
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("a connection to the bucket did not close: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
