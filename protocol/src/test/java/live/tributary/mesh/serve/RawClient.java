package live.tributary.mesh.serve;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import live.tributary.protocol.bencode.FormatException;
import live.tributary.protocol.metainfo.Torrent;
import live.tributary.protocol.wire.Handshake;

/** A client of BEP 3 alone, on a blocking socket. */
final class RawClient implements AutoCloseable {
    static final int UNCHOKE = 1;
    static final int INTERESTED = 2;
    static final int REQUEST = 6;
    static final int PIECE = 7;
    private static final int PATIENCE_MILLIS = 10_000;

    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;

    RawClient(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream(), 1 << 16));
        out = socket.getOutputStream();
    }

    static RawClient dial(InetSocketAddress address, int receiveBuffer) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(receiveBuffer);
        socket.connect(address);
        return new RawClient(socket);
    }

    void greet(Torrent torrent) throws IOException {
        ByteBuf handshake = Unpooled.buffer();
        new Handshake(torrent.infoHash(), new byte[Handshake.PEER_ID_LENGTH], false, false).write(handshake);
        write(handshake);
    }

    Handshake greeted() throws IOException, FormatException {
        return Handshake.read(Unpooled.wrappedBuffer(in.readNBytes(Handshake.LENGTH)));
    }

    /** Skips messages up to the first of a kind and returns its body. */
    byte[] await(int id) throws IOException {
        while (true) {
            int length = in.readInt();
            byte[] body = in.readNBytes(length);
            if (length > 0 && body[0] == id) {
                return body;
            }
        }
    }

    void interested() throws IOException {
        write(Unpooled.buffer().writeInt(1).writeByte(INTERESTED));
    }

    void request(int piece, int begin, int length) throws IOException {
        write(Unpooled.buffer()
                .writeInt(13)
                .writeByte(REQUEST)
                .writeInt(piece)
                .writeInt(begin)
                .writeInt(length));
    }

    /** Downloads everything with so many requests in flight; returns the number of bytes. */
    long download(Torrent torrent, int inFlight) throws IOException {
        int blocks = (int) ((torrent.length() + 16383) / 16384);
        int asked = 0;
        long bytes = 0;
        for (int got = 0; got < blocks; got++) {
            while (asked < blocks && asked - got < inFlight) {
                long at = 16384L * asked;
                request((int) (at / 65536), (int) (at % 65536), (int) Math.min(16384, torrent.length() - at));
                asked++;
            }
            bytes += await(PIECE).length - 9;
        }
        return bytes;
    }

    boolean isClosedByPeer() throws IOException {
        return in.read() < 0;
    }

    private void write(ByteBuf bytes) throws IOException {
        out.write(bytes.array(), 0, bytes.readableBytes());
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
