package live.tributary.mesh.mse;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import live.tributary.mesh.admin.DropReason;
import live.tributary.protocol.mse.ObfuscatedHash;
import live.tributary.protocol.stream.InfoHash;
import org.junit.jupiter.api.Test;

/** What a client sees of an encrypted handshake, with every length at its limit and one byte over. */
class MseAcceptorTest {
    private static final InfoHash TORRENT = InfoHash.fromHex("00112233445566778899aabbccddeeff00112233");
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);
    private static final int BOTH = MseLimits.PLAINTEXT | MseLimits.RC4;

    private final List<DropReason> drops = new ArrayList<>();
    private final AtomicLong clock = new AtomicLong();
    /** Far enough apart for one address. */
    private final KeyExchanges exchanges =
            KeyExchanges.on(Runnable::run, new Random(3), () -> clock.addAndGet(KeyExchanges.REFILL.toNanos()));

    @Test
    void choosesPlainTextWhereTheClientAllowsIt() {
        Dialogue client = new Dialogue();
        client.agree(0);

        client.send(client.mse.offer(BOTH, 0, HELLO.length, HELLO));

        assertThat(client.mse.chosen(client.received())).isEqualTo(MseLimits.PLAINTEXT);
        assertThat(client.inner()).isEqualTo("hello");
        client.send(" again".getBytes(StandardCharsets.US_ASCII));
        assertThat(client.inner()).isEqualTo("hello again");
        client.answer("yes");
        assertThat(client.received().toString(StandardCharsets.US_ASCII)).isEqualTo("yes");
        assertThat(drops).isEmpty();
    }

    @Test
    void enciphersBothWaysWhereTheClientInsists() {
        Dialogue client = new Dialogue();
        client.agree(0);

        client.send(client.mse.offer(MseLimits.RC4, 0, HELLO.length, HELLO));

        ByteBuf received = client.received();
        assertThat(client.mse.chosen(received)).isEqualTo(MseLimits.RC4);
        client.send(client.mse.enciphered(" again".getBytes(StandardCharsets.US_ASCII)));
        assertThat(client.inner()).isEqualTo("hello again");
        ByteBuf shared = Unpooled.copiedBuffer("yes", StandardCharsets.US_ASCII);
        client.channel.writeOutbound(shared.retain());
        ByteBuf answer = client.received();
        client.mse.incoming.apply(answer);
        assertThat(answer.toString(StandardCharsets.US_ASCII)).isEqualTo("yes");
        assertThat(shared.toString(StandardCharsets.US_ASCII)).isEqualTo("yes"); // Others may be sent the same bytes.
        assertThat(shared.refCnt()).isEqualTo(1);
    }

    @Test
    void takesAHandshakeByteByByteWithWhatFollowsIt() {
        for (int provided : new int[] {MseLimits.PLAINTEXT, MseLimits.RC4, BOTH}) {
            Dialogue client = new Dialogue();
            for (byte one : client.mse.opening(100)) {
                client.send(new byte[] {one});
            }
            client.agreeOnAnswer();
            byte[] offer = client.mse.offer(provided, 50, HELLO.length, HELLO);
            byte[] next = " again".getBytes(StandardCharsets.US_ASCII);
            byte[] sent = provided == MseLimits.RC4 ? client.mse.enciphered(next) : next;
            for (byte one : offer) {
                client.send(new byte[] {one});
            }
            for (byte one : sent) {
                client.send(new byte[] {one});
            }
            assertThat(client.inner()).isEqualTo("hello again");
        }
    }

    @Test
    void takesAllOfItAtOnce() {
        Dialogue client = new Dialogue();
        client.agree(0);
        byte[] offer = client.mse.offer(MseLimits.RC4, 0, HELLO.length, HELLO);
        byte[] next = client.mse.enciphered(" again".getBytes(StandardCharsets.US_ASCII));

        client.channel.writeInbound(Unpooled.wrappedBuffer(offer, next));

        assertThat(client.inner()).isEqualTo("hello again");
    }

    @Test
    void paddingBehindTheKeyEndsAt512Bytes() {
        Dialogue longest = new Dialogue();
        longest.agree(512);
        longest.send(longest.mse.offer(BOTH, 0, 0, new byte[0]));
        assertThat(longest.mse.chosen(longest.received())).isEqualTo(MseLimits.PLAINTEXT);

        Dialogue longer = new Dialogue();
        longer.agree(513);
        longer.send(longer.mse.offer(BOTH, 0, 0, new byte[0]));
        assertThat(longer.isOpen()).isFalse();
        assertThat(drops).containsExactly(DropReason.GARBLED);
    }

    @Test
    void paddingInTheOfferEndsAt512Bytes() {
        Dialogue longest = new Dialogue();
        longest.agree(0);
        longest.send(longest.mse.offer(BOTH, 512, 0, new byte[0]));
        assertThat(longest.mse.chosen(longest.received())).isEqualTo(MseLimits.PLAINTEXT);

        Dialogue longer = new Dialogue();
        longer.agree(0);
        longer.send(longer.mse.offer(BOTH, 513, 0, new byte[0]));
        assertThat(longer.isOpen()).isFalse();
        assertThat(drops).containsExactly(DropReason.GARBLED);
    }

    @Test
    void theFirstPayloadEndsAt16KiB() {
        Dialogue longest = new Dialogue();
        longest.agree(0);
        longest.send(longest.mse.offer(BOTH, 0, MseLimits.INITIAL, new byte[MseLimits.INITIAL]));
        assertThat(longest.inner()).hasSize(MseLimits.INITIAL);

        Dialogue longer = new Dialogue();
        longer.agree(0);
        longer.send(longer.mse.offer(BOTH, 0, MseLimits.INITIAL + 1, new byte[0])); // Not waited for.
        assertThat(longer.isOpen()).isFalse();
        assertThat(drops).containsExactly(DropReason.GARBLED);
    }

    @Test
    void endsWithoutAWordWhatDoesNotHold() {
        Dialogue unknown = new Dialogue(InfoHash.fromHex("ffffffffffffffffffffffffffffffffffffffff"));
        unknown.agree(0);
        unknown.send(unknown.mse.offer(BOTH, 0, 0, new byte[0]));
        Dialogue neither = new Dialogue();
        neither.agree(0);
        neither.send(neither.mse.offer(4, 0, 0, new byte[0]));
        Dialogue spoilt = new Dialogue();
        spoilt.agree(0);
        byte[] offer = spoilt.mse.offer(BOTH, 0, 0, new byte[0]);
        offer[40] ^= 1; // Within the zeros that prove the key.
        spoilt.send(offer);
        Dialogue weak = new Dialogue();
        weak.send(new byte[96]);

        for (Dialogue each : List.of(unknown, neither, spoilt, weak)) {
            assertThat(each.isOpen()).isFalse();
            assertThat(each.received().readableBytes()).isZero();
        }
        assertThat(drops)
                .containsExactly(DropReason.UNKNOWN, DropReason.GARBLED, DropReason.GARBLED, DropReason.GARBLED);
    }

    @Test
    void aRecordedHandshakeIsWorthNothing() {
        Dialogue client = new Dialogue();
        client.agree(0);
        byte[] offer = client.mse.offer(BOTH, 0, HELLO.length, HELLO);
        client.send(offer);

        Dialogue replay = new Dialogue();
        replay.agree(0);
        replay.send(Arrays.copyOf(offer, 600));

        assertThat(replay.isOpen()).isFalse();
        assertThat(replay.inner()).isEmpty();
        assertThat(drops).containsExactly(DropReason.GARBLED);
    }

    @Test
    void garbageEndsAndIsCounted() {
        Random random = new Random(9);
        for (int round = 0; round < 100; round++) {
            Dialogue client = new Dialogue();
            byte[] garbage = new byte[96 + 532];
            random.nextBytes(garbage);
            garbage[0] = 1; // Less than the prime.
            client.send(garbage);
            assertThat(client.isOpen()).isFalse();
        }
        assertThat(drops).hasSize(100).containsOnly(DropReason.GARBLED);
    }

    @Test
    void endsWhatTakesTooLong() {
        Dialogue client = new Dialogue();
        client.channel.freezeTime();
        client.send(client.mse.opening(10));
        client.channel.advanceTimeBy(MseLimits.HANDSHAKE.toMillis() + 1, TimeUnit.MILLISECONDS);
        client.channel.runScheduledPendingTasks();

        assertThat(client.isOpen()).isFalse();
        assertThat(drops).containsExactly(DropReason.SLOW);
    }

    @Test
    void readsNothingMoreWhileTheKeysAreExchanged() {
        List<Runnable> waiting = new ArrayList<>();
        Dialogue client = new Dialogue(TORRENT, KeyExchanges.on(waiting::add, new Random(3), () -> 0));
        client.send(client.mse.opening(0));
        assertThat(client.channel.config().isAutoRead()).isFalse();

        waiting.forEach(Runnable::run);
        client.agreeOnAnswer();

        assertThat(client.channel.config().isAutoRead()).isTrue();
        client.send(client.mse.offer(BOTH, 0, HELLO.length, HELLO));
        assertThat(client.inner()).isEqualTo("hello");
    }

    @Test
    void refusesWhatFindsThePoolFull() {
        Dialogue client = new Dialogue(
                TORRENT,
                KeyExchanges.on(
                        task -> {
                            throw new RejectedExecutionException();
                        },
                        new Random(3),
                        () -> 0));
        client.send(client.mse.opening(0));

        assertThat(client.isOpen()).isFalse();
        assertThat(drops).containsExactly(DropReason.BUSY);
    }

    /** One client and the acceptor that it talks to. */
    private final class Dialogue {
        final RawMse mse;
        final EmbeddedChannel channel;
        private final StringBuilder inner = new StringBuilder();
        private ChannelHandlerContext last;

        Dialogue() {
            this(TORRENT);
        }

        Dialogue(InfoHash torrent) {
            this(torrent, exchanges);
        }

        Dialogue(InfoHash torrent, KeyExchanges pool) {
            mse = new RawMse(torrent);
            ChannelInboundHandlerAdapter reader = new ChannelInboundHandlerAdapter() {
                @Override
                public void handlerAdded(ChannelHandlerContext context) {
                    last = context;
                }

                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    ByteBuf bytes = (ByteBuf) message;
                    inner.append(bytes.toString(StandardCharsets.US_ASCII));
                    bytes.release();
                }
            };
            channel = new EmbeddedChannel() {
                @Override
                protected SocketAddress remoteAddress0() {
                    return new InetSocketAddress("192.0.2.1", 5000);
                }
            };
            channel.pipeline()
                    .addLast(new MseAcceptor(
                            pool,
                            hash -> Optional.of(TORRENT)
                                    .filter(one -> ObfuscatedHash.of(one).equals(hash)),
                            reader,
                            drops::add));
        }

        void send(byte[] bytes) {
            if (channel.isOpen()) {
                channel.writeInbound(Unpooled.copiedBuffer(bytes));
                channel.runPendingTasks();
            }
        }

        /** Exchanges keys, with so much padding behind the client's. */
        void agree(int padding) {
            send(mse.opening(padding));
            agreeOnAnswer();
        }

        void agreeOnAnswer() {
            channel.runPendingTasks();
            ByteBuf answer = received();
            byte[] theirs = new byte[96];
            answer.readBytes(theirs);
            assertThat(answer.readableBytes()).isBetween(0, 512);
            mse.agree(theirs);
        }

        void answer(String text) {
            channel.writeOutbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
        }

        ByteBuf received() {
            ByteBuf all = Unpooled.buffer();
            for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
                all.writeBytes(part);
                part.release();
            }
            return all;
        }

        String inner() {
            return inner.toString();
        }

        boolean isOpen() {
            channel.runPendingTasks();
            return channel.isOpen();
        }
    }
}
