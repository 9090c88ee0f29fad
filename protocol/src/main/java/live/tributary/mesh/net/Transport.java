package live.tributary.mesh.net;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;

/** Which sockets this machine gives: epoll on Linux, Java's own elsewhere. */
public enum Transport {
    EPOLL,
    NIO;

    /** The longest datagram that is read. */
    public static final int MAX_DATAGRAM = 2048;

    private static final int DATAGRAMS_AT_ONCE = 64;
    private static final int BACKLOG = 1024;
    private static final int UDP_RECEIVE_BUFFER = 1024 * 1024;
    /** Bytes queued on a connection above which it counts as not writable, and below which it does again. */
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(64 * 1024, 512 * 1024);

    private static final int CONNECT_MILLIS = 5_000;
    /** How long the system keeps what the other end does not take (RFC 5482): megabytes a connection, even after it was closed. */
    private static final int UNREAD_MILLIS = 60_000;

    public static Transport best() {
        return Epoll.isAvailable() ? EPOLL : NIO;
    }

    /** Event loops whose threads are called {@code role}; shared by all that a node listens on and dials. */
    public EventLoopGroup newGroup(String role, int threads) {
        var names = new DefaultThreadFactory(role, true);
        return new MultiThreadIoEventLoopGroup(
                threads, names, this == EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    }

    /** A bootstrap for listening; the handler of its connections is the caller's. */
    public ServerBootstrap server(EventLoopGroup group) {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(this == EPOLL ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK);
        return this == EPOLL ? bootstrap.childOption(EpollChannelOption.TCP_USER_TIMEOUT, UNREAD_MILLIS) : bootstrap;
    }

    /** A bootstrap for dialling. */
    public Bootstrap client(EventLoopGroup group) {
        return new Bootstrap()
                .group(group)
                .channel(this == EPOLL ? EpollSocketChannel.class : NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .option(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK);
    }

    /** A bootstrap for datagrams; with epoll, up to 64 of them are read by one system call. */
    public Bootstrap datagram(EventLoopGroup group) {
        Bootstrap bootstrap = new Bootstrap().group(group).option(ChannelOption.SO_RCVBUF, UDP_RECEIVE_BUFFER);
        if (this == EPOLL) {
            return bootstrap
                    .channel(EpollDatagramChannel.class)
                    .option(EpollChannelOption.MAX_DATAGRAM_PAYLOAD_SIZE, MAX_DATAGRAM)
                    .option(
                            ChannelOption.RECVBUF_ALLOCATOR,
                            new FixedRecvByteBufAllocator(MAX_DATAGRAM * DATAGRAMS_AT_ONCE));
        }
        return bootstrap
                .channel(NioDatagramChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(MAX_DATAGRAM));
    }
}
