package live.tributary.origin.fallback;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import live.tributary.protocol.stream.Sha256;

/** An S3 server in memory that checks SigV4 signatures and body hashes, and refuses what R2 does not implement. */
final class StrictS3 implements AutoCloseable {
    static final String BUCKET = "live";
    static final String ID = "local-id";
    static final String SECRET = "local-secret";

    private static final Pattern AUTHORIZATION = Pattern.compile(
            "AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\\w+)");

    final Map<String, Stored> objects = new ConcurrentHashMap<>();
    /** Each request's method, key and status, in order. */
    final List<String> log = new CopyOnWriteArrayList<>();

    volatile boolean down;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    record Stored(byte[] bytes, String contentType, String cacheControl) {}

    StrictS3() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    private void handle(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getRawPath();
        String[] parts = path.substring(1).split("/", 2);
        String key = parts.length > 1 ? parts[1] : "";
        String error = down ? "503 SlowDown" : fault(exchange, body);
        if (error.isEmpty() && !parts[0].equals(BUCKET)) {
            error = "404 NoSuchBucket";
        }
        int status = error.isEmpty() ? 200 : Integer.parseInt(error.substring(0, 3));
        if (error.isEmpty() && exchange.getRequestMethod().equals("PUT")) {
            Headers headers = exchange.getRequestHeaders();
            objects.put(key, new Stored(body, headers.getFirst("Content-Type"), headers.getFirst("Cache-Control")));
        } else if (error.isEmpty() && exchange.getRequestMethod().equals("DELETE")) {
            objects.remove(key);
            status = 204;
        } else if (error.isEmpty() && exchange.getRequestMethod().equals("HEAD")) {
            status = objects.containsKey(key) ? 200 : 404;
            if (status == 200) {
                exchange.getResponseHeaders()
                        .set("Content-Length", "" + objects.get(key).bytes().length);
            }
        }
        log.add(exchange.getRequestMethod() + " " + key + " " + status);
        byte[] answer = error.isEmpty() || exchange.getRequestMethod().equals("HEAD")
                ? new byte[0]
                : ("<?xml version=\"1.0\"?><Error><Code>" + error.substring(4) + "</Code><Message>no</Message></Error>")
                        .getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/xml");
        exchange.sendResponseHeaders(status, answer.length == 0 ? -1 : answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }

    private static String fault(HttpExchange exchange, byte[] body) {
        Headers headers = exchange.getRequestHeaders();
        String hash = String.valueOf(headers.getFirst("X-amz-content-sha256"));
        boolean unknown = headers.keySet().stream()
                .map(name -> name.toLowerCase(Locale.ROOT))
                .anyMatch(name -> name.startsWith("x-amz-acl")
                        || name.startsWith("x-amz-tagging")
                        || name.startsWith("x-amz-checksum")
                        || name.startsWith("x-amz-trailer"));
        if (unknown || hash.startsWith("STREAMING-")) {
            return "501 NotImplemented";
        }
        boolean unsignedNothing = hash.equals("UNSIGNED-PAYLOAD") && body.length == 0;
        if (!unsignedNothing && !hash.equals(Sha256.ofContent(body).hex())) {
            return "400 XAmzContentSHA256Mismatch";
        }
        Matcher authorization = AUTHORIZATION.matcher(String.valueOf(headers.getFirst("Authorization")));
        if (!authorization.matches()) {
            return "403 AccessDenied";
        }
        if (!authorization.group(1).equals(ID)) {
            return "403 InvalidAccessKeyId";
        }
        String expected = signature(exchange, hash, authorization);
        return expected.equals(authorization.group(5)) ? "" : "403 SignatureDoesNotMatch";
    }

    private static String signature(HttpExchange exchange, String hash, Matcher authorization) {
        List<String> lines = new ArrayList<>();
        lines.add(exchange.getRequestMethod());
        lines.add(exchange.getRequestURI().getRawPath());
        lines.add("");
        for (String name : authorization.group(4).split(";")) {
            lines.add(name + ":"
                    + String.join(",", exchange.getRequestHeaders().get(name)).strip());
        }
        lines.addAll(Arrays.asList("", authorization.group(4), hash));
        String date = authorization.group(2);
        String region = authorization.group(3);
        String toSign = String.join(
                "\n",
                "AWS4-HMAC-SHA256",
                exchange.getRequestHeaders().getFirst("X-amz-date"),
                date + "/" + region + "/s3/aws4_request",
                Sha256.ofContent(String.join("\n", lines).getBytes(StandardCharsets.UTF_8))
                        .hex());
        byte[] key = ("AWS4" + SECRET).getBytes(StandardCharsets.UTF_8);
        for (String part : List.of(date, region, "s3", "aws4_request", toSign)) {
            key = hmac(key, part);
        }
        return HexFormat.of().formatHex(key);
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
