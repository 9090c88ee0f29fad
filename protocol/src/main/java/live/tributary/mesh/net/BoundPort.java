package live.tributary.mesh.net;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.BindException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.function.Supplier;
import live.tributary.mesh.admin.DropReason;
import live.tributary.protocol.stream.Endpoint;

/** A node's one port, TCP and UDP under the same number, on each address that it was told to bind. */
public final class BoundPort implements AutoCloseable {
    /** Connections that one address may have open before it is refused new ones. */
    public static final int DEFAULT_SHARE = 256;

    private static final int ATTEMPTS = 20;
    private static final int IPV4_LENGTH = 4;
    private static final int IPV6_LENGTH = 16;
    private static final long CLOSE_SECONDS = 2;

    private final List<Channel> tcp = new ArrayList<>();
    private final List<Channel> udp = new ArrayList<>();
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);

    private final LongAdder outsideV4 = new LongAdder();
    private final LongAdder outsideV6 = new LongAdder();

    private volatile boolean datagramV4;
    private volatile boolean datagramV6;

    private BoundPort() {}

    /**
     * What to bind.
     *
     * @param addresses empty for all, IPv4 and IPv6
     * @param port 0 for a free one
     * @param share connections that one address may have open
     * @param refused addresses whose connections are closed at once
     */
    public record Config(List<InetAddress> addresses, int port, int share, Predicate<InetAddress> refused) {
        public Config {
            addresses = List.copyOf(addresses);
        }

        public static Config of(List<InetAddress> addresses, int port) {
            return new Config(addresses, port, DEFAULT_SHARE, address -> false);
        }

        public Config refusing(Predicate<InetAddress> denied) {
            return new Config(addresses, port, share, denied);
        }
    }

    /**
     * Binds; returns when all sockets are bound.
     *
     * @param udp makes the handler of datagrams of one address; empty for no UDP
     * @throws BindException naming the address that could not be bound
     */
    public static BoundPort bind(
            Transport transport,
            EventLoopGroup group,
            Config config,
            PortServices services,
            Optional<Supplier<ChannelHandler>> udp)
            throws IOException {
        IOException last = new IOException("port: none free (expected: one number for TCP and UDP)");
        for (int attempt = 0; attempt < (config.port() == 0 ? ATTEMPTS : 1); attempt++) {
            BoundPort port = new BoundPort();
            try {
                port.bindAll(transport, group, config, services, udp);
                return port;
            } catch (IOException e) {
                port.close();
                last = e;
            }
        }
        throw last;
    }

    private void bindAll(
            Transport transport,
            EventLoopGroup group,
            Config config,
            PortServices services,
            Optional<Supplier<ChannelHandler>> datagrams)
            throws IOException {
        ServerBootstrap server = transport.server(group).childHandler(new Greeter(services, config));
        List<InetAddress> addresses = config.addresses().isEmpty() ? List.of(anyAddress()) : config.addresses();
        int number = config.port();
        for (InetAddress address : addresses) {
            Channel bound = bound(server.bind(address, number), address, number, "TCP");
            tcp.add(bound);
            number = ((InetSocketAddress) bound.localAddress()).getPort();
            if (datagrams.isPresent()) {
                Bootstrap bootstrap = transport
                        .datagram(group)
                        .handler(watched(datagrams.get().get()));
                udp.add(bound(bootstrap.bind(address, number), address, number, "UDP"));
            }
        }
    }

    private ChannelHandler watched(ChannelHandler datagrams) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new OutsideDatagrams(), datagrams);
            }
        };
    }

    private static Channel bound(ChannelFuture binding, InetAddress address, int number, String protocol)
            throws IOException {
        binding.awaitUninterruptibly();
        if (binding.cause() != null) {
            BindException refused = new BindException(protocol + " port " + number + " of " + address.getHostAddress()
                    + ": " + binding.cause().getMessage());
            refused.initCause(binding.cause());
            throw refused;
        }
        return binding.channel();
    }

    /** {@code ::}, which takes IPv4 too; {@code 0.0.0.0} on a machine without IPv6. */
    private static InetAddress anyAddress() throws IOException {
        try (ServerSocketChannel probe = ServerSocketChannel.open()) {
            InetAddress ipv6 = InetAddress.getByAddress(new byte[IPV6_LENGTH]);
            probe.bind(new InetSocketAddress(ipv6, 0));
            return ipv6;
        } catch (IOException | UnsupportedAddressTypeException e) {
            return InetAddress.getByAddress(new byte[IPV4_LENGTH]);
        }
    }

    public int port() {
        return tcp().get(0).getPort();
    }

    public List<InetSocketAddress> tcp() {
        return addresses(tcp);
    }

    /** Empty where no UDP was asked for. */
    public List<InetSocketAddress> udp() {
        return addresses(udp);
    }

    /** TCP connections that came in from addresses of the internet, IPv4 or IPv6, since the start: proof that one can. */
    public long fromOutside(boolean ipv4) {
        return (ipv4 ? outsideV4 : outsideV6).sum();
    }

    /** Whether a datagram has come in from an address of the internet, IPv4 or IPv6, since the start. */
    public boolean datagramFromOutside(boolean ipv4) {
        return ipv4 ? datagramV4 : datagramV6;
    }

    /** Sends a datagram from the port, and lets go of it; nothing where the port has no UDP of that family. */
    public void send(Endpoint to, ByteBuf datagram) {
        Optional<Channel> from = udp.stream()
                .filter(channel -> mayReach(((InetSocketAddress) channel.localAddress()).getAddress(), to))
                .findFirst();
        if (from.isPresent()) {
            from.get()
                    .writeAndFlush(
                            new DatagramPacket(datagram, to.socketAddress()),
                            from.get().voidPromise());
        } else {
            datagram.release();
        }
    }

    /** A socket bound to {@code ::} sends both. */
    private static boolean mayReach(InetAddress local, Endpoint to) {
        return local instanceof Inet4Address == to.isIpv4() || local.isAnyLocalAddress() && to.isIpv4();
    }

    /** TCP connections open now. */
    public int connections() {
        return connections.size();
    }

    private static List<InetSocketAddress> addresses(List<Channel> channels) {
        return channels.stream()
                .map(channel -> (InetSocketAddress) channel.localAddress())
                .toList();
    }

    /** Stops listening and closes every inbound connection; waits at most two seconds. */
    @Override
    public void close() {
        List<ChannelFuture> closing = new ArrayList<>();
        tcp.forEach(channel -> closing.add(channel.close()));
        udp.forEach(channel -> closing.add(channel.close()));
        connections.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        closing.forEach(future -> future.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS));
    }

    private static boolean isOutside(InetAddress address) {
        boolean uniqueLocal =
                !(address instanceof Inet4Address) && (address.getAddress()[0] & 0xfe) == 0xfc; // RFC 4193
        return !address.isLoopbackAddress()
                && !address.isLinkLocalAddress()
                && !address.isSiteLocalAddress()
                && !uniqueLocal;
    }

    /** Notes that datagrams come in from outside: looks at the first of each read, and at none once both families have come. */
    private final class OutsideDatagrams extends ChannelInboundHandlerAdapter {
        private boolean looked;

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            looked = false;
            context.fireChannelReadComplete();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            boolean first = !looked;
            looked = true;
            if (first
                    && message instanceof DatagramPacket datagram
                    && isOutside(datagram.sender().getAddress())) {
                if (datagram.sender().getAddress() instanceof Inet4Address) {
                    datagramV4 = true;
                } else {
                    datagramV6 = true;
                }
                if (datagramV4 && datagramV6) {
                    context.pipeline().remove(this);
                }
            }
            context.fireChannelRead(message);
        }
    }

    /** Counts each new connection and puts a {@link PortUnifier} at its start. */
    @ChannelHandler.Sharable
    private final class Greeter extends ChannelInitializer<Channel> {
        private final PortServices services;
        private final AddressShares shares;
        private final Predicate<InetAddress> refused;

        Greeter(PortServices services, Config config) {
            this.services = services;
            this.shares = new AddressShares(config.share());
            this.refused = config.refused();
        }

        @Override
        protected void initChannel(Channel channel) {
            if (!(channel.remoteAddress() instanceof InetSocketAddress remote)) {
                channel.close(); // Gone already.
                return;
            }
            InetAddress address = remote.getAddress();
            if (refused.test(address)) {
                services.drops().count(DropReason.DENIED);
                channel.close();
                return;
            }
            AddressShares.Place place = shares.enter(address);
            channel.closeFuture().addListener(closed -> shares.leave(address));
            if (place == AddressShares.Place.NONE) {
                services.drops().count(DropReason.CROWDED);
                channel.close();
                return;
            }
            if (isOutside(address)) {
                (address instanceof Inet4Address ? outsideV4 : outsideV6).increment();
            }
            connections.add(channel);
            channel.pipeline()
                    .addLast(new PortUnifier(services, PortUnifier.FIRST_BYTES, place == AddressShares.Place.CROWDED));
        }
    }
}
