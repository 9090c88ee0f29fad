package live.tributary.mesh.rendezvous;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import lbms.plugins.mldht.DHTConfiguration;
import lbms.plugins.mldht.kad.DHT;
import lbms.plugins.mldht.kad.DHTConstants;
import lbms.plugins.mldht.kad.Database.PeersSeeds;
import lbms.plugins.mldht.kad.GenericStorage;
import lbms.plugins.mldht.kad.KBucketEntry;
import lbms.plugins.mldht.kad.KClosestNodesSearch;
import lbms.plugins.mldht.kad.Key;
import lbms.plugins.mldht.kad.PeerAddressDBItem;
import lbms.plugins.mldht.kad.RPCCall;
import lbms.plugins.mldht.kad.RPCCallListener;
import lbms.plugins.mldht.kad.RPCServer;
import lbms.plugins.mldht.kad.RPCState;
import lbms.plugins.mldht.kad.messages.AbstractLookupRequest;
import lbms.plugins.mldht.kad.messages.FindNodeRequest;
import lbms.plugins.mldht.kad.messages.MessageBase;
import lbms.plugins.mldht.kad.messages.PingRequest;
import lbms.plugins.mldht.kad.utils.AddressUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One bt-dht node of one address family, driven on one thread of its own.
 *
 * <p>The library answers others, keeps the table and stores; what it does badly is done here: joining (it pings each bootstrap
 * node once, and a ping can be lost inside it), lookups (see {@link Lookup}), and getting known in a small DHT, where a node that
 * is only ever asked never learns of those who ask it.
 */
final class DhtNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DhtNode.class);

    private static final Duration JOIN_RETRY = Duration.ofSeconds(1);
    private static final Duration UPKEEP = Duration.ofMinutes(1);
    private static final Duration PING_BACK_PAUSE = Duration.ofMinutes(1);
    /** Below this many table entries whoever asks is pinged back, and so gets into the table. */
    private static final int SMALL_DHT = 30;

    private static final int ENOUGH_ENTRIES = 8;
    private static final int MAX_PINGED = 1024;
    /** bt-dht bounds neither number nor age of the items of others but by two hours. */
    private static final int MAX_STORED_ITEMS = 20_000;

    private static final int STOP_SECONDS = 2;

    private final Family family;
    private final boolean privateAddresses;
    private final DHT dht;
    private final ScheduledExecutorService thread;
    private final Neighbours neighbours = new Neighbours();
    private final NeighbourFile remembered;
    /** Those of the run before. */
    private final List<InetSocketAddress> former;

    private final Map<InetSocketAddress, Long> pingedBack = new LinkedHashMap<>();
    private List<InetSocketAddress> bootstrap = List.of();
    private Runnable newcomer = () -> {};
    private boolean joined;
    private volatile boolean closed;

    private DhtNode(
            Family family,
            boolean privateAddresses,
            DHT dht,
            ScheduledExecutorService thread,
            NeighbourFile remembered) {
        this.family = family;
        this.privateAddresses = privateAddresses;
        this.dht = dht;
        this.thread = thread;
        this.remembered = remembered;
        this.former = remembered.read();
    }

    /** Binds and starts; joins by itself once {@link #bootstrapBy} has told by whom. */
    static DhtNode start(Family family, InetAddress bind, int port, DhtSettings settings) throws IOException {
        prepareLibrary(settings.privateAddresses());
        Path state = Files.createDirectories(settings.state());
        int free = freePort(bind, port);
        ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread made = new Thread(task, "dht-" + family.name().toLowerCase(Locale.ROOT));
            made.setDaemon(true);
            return made;
        });
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread.setRemoveOnCancelPolicy(true);
        DHT dht = new DHT(family.type());
        dht.setScheduler(thread);
        NeighbourFile remembered =
                new NeighbourFile(state.resolve("neighbours-" + family.name().toLowerCase(Locale.ROOT)));
        DhtNode node = new DhtNode(family, settings.privateAddresses(), dht, thread, remembered);
        dht.addIncomingMessageListener((source, message) -> node.heard(message));
        dht.start(new Configuration(bind, free, state));
        if (dht.getServerManager().getServerCount() == 0) {
            node.close();
            throw new IOException("the DHT cannot be bound to " + bind.getHostAddress()
                    + " (expected: an address of this" + " machine)");
        }
        node.after(JOIN_RETRY, node::join);
        node.after(UPKEEP, node::upkeep);
        return node;
    }

    private static synchronized void prepareLibrary(boolean privateAddresses) {
        DHT.setLogger(new DhtLog());
        // Else it looks the public routers up on its own thread, whatever it was told.
        Arrays.fill(DHTConstants.UNRESOLVED_BOOTSTRAP_NODES, new InetSocketAddress("0.0.0.0", 1));
        AddressUtils.acceptPrivate(privateAddresses);
    }

    /** The library would share a taken port without a word. */
    private static int freePort(InetAddress bind, int port) throws IOException {
        try (DatagramSocket probe = new DatagramSocket(null)) {
            probe.setReuseAddress(false);
            probe.bind(new InetSocketAddress(bind, port));
            return probe.getLocalPort();
        }
    }

    private record Configuration(InetAddress bind, int getListeningPort, Path getStoragePath)
            implements DHTConfiguration {
        @Override
        public boolean isPersistingID() {
            return true;
        }

        @Override
        public boolean noRouterBootstrap() {
            return true;
        }

        @Override
        public boolean allowMultiHoming() {
            return false;
        }

        @Override
        public Predicate<InetAddress> filterBindAddress() {
            return bind::equals;
        }
    }

    Family family() {
        return family;
    }

    boolean isPrivate() {
        return privateAddresses;
    }

    InetSocketAddress address() {
        RPCServer server = dht.getServerManager().getAllServers().get(0);
        return new InetSocketAddress(server.getBindAddress(), server.getPort());
    }

    int tableSize() {
        return dht.getNode().getNumEntriesInRoutingTable();
    }

    int storedItems() {
        return dht.getStorage().getItems().size();
    }

    /** Runs on the DHT's thread. */
    void run(Runnable task) {
        try {
            thread.execute(() -> guarded(task));
        } catch (RejectedExecutionException e) {
            LOG.debug("the DHT is closed", e);
        }
    }

    /** Runs on the DHT's thread, later. */
    void after(Duration delay, Runnable task) {
        try {
            var unused = thread.schedule(() -> guarded(task), delay.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("the DHT is closed", e);
        }
    }

    private void guarded(Runnable task) {
        if (closed) {
            return;
        }
        try {
            task.run();
        } catch (RuntimeException e) {
            LOG.warn("a task of the DHT failed", e);
        }
    }

    /** Is told of each node that a private DHT gains, on the DHT's thread. */
    void onNewcomer(Runnable listener) {
        run(() -> newcomer = listener);
    }

    /** Says by whom to join. */
    void bootstrapBy(List<InetSocketAddress> addresses) {
        run(() -> {
            bootstrap =
                    addresses.stream().filter(family::has).filter(this::accepts).toList();
            join();
        });
    }

    /** Asks the bootstrap nodes again each second until somebody is known. */
    private void join() {
        if (!joined) {
            Key self = dht.getOurID();
            Lookup.start(this, self, () -> new FindNodeRequest(self), responders -> {
                if (!joined && !responders.isEmpty()) {
                    joined = true;
                    LOG.info("joined the DHT over {}: {} nodes answered", family, responders.size());
                }
            });
        }
        if (isLonely()) {
            joined = false;
        }
        if (!joined) {
            after(JOIN_RETRY, this::join);
        }
    }

    private boolean isLonely() {
        return neighbours.isEmpty() && dht.getNode().getNumEntriesInRoutingTable() == 0;
    }

    private void upkeep() {
        Set<Key> stored = dht.getStorage().getItems().keySet();
        if (stored.size() > MAX_STORED_ITEMS) {
            LOG.info("dropping stored items of others: {} (expected: <= {})", stored.size(), MAX_STORED_ITEMS);
            new ArrayList<>(stored)
                    .subList(0, stored.size() - MAX_STORED_ITEMS / 2)
                    .forEach(stored::remove);
        }
        if (joined && isLonely()) {
            joined = false;
            join();
        }
        remembered.write(neighbours.addresses());
        after(UPKEEP, this::upkeep);
    }

    /** Those in the table closest to a target. */
    List<KBucketEntry> closest(Key target, int max) {
        KClosestNodesSearch search = new KClosestNodesSearch(target, max, dht);
        search.fill();
        return search.getEntries();
    }

    /** Nodes to ask besides the table's, of which {@code tabled} are at hand. */
    List<InetSocketAddress> entrances(int tabled) {
        List<InetSocketAddress> addresses = new ArrayList<>();
        if (privateAddresses || tabled < ENOUGH_ENTRIES) {
            addresses.addAll(bootstrap);
            addresses.addAll(neighbours.addresses());
            if (!joined) {
                former.stream().filter(this::accepts).forEach(addresses::add);
            }
        }
        return addresses;
    }

    boolean accepts(InetSocketAddress address) {
        return family.has(address) && !AddressUtils.isBogon(address);
    }

    boolean isSelf(Key id) {
        return dht.getNode().isLocalId(id);
    }

    /** Sends a request; exactly one of the two is called, on the DHT's thread. */
    void query(MessageBase request, InetSocketAddress to, Consumer<MessageBase> answered, Runnable failed) {
        RPCServer server = dht.getServerManager().getRandomServer();
        if (server == null) {
            run(failed);
            return;
        }
        if (request instanceof AbstractLookupRequest lookup) {
            lookup.setWant4(family == Family.IPV4);
            lookup.setWant6(family == Family.IPV6);
        }
        request.setDestination(to);
        RPCCall call = new RPCCall(request);
        call.addListener(new RPCCallListener() {
            @Override
            public void stateTransition(RPCCall source, RPCState previous, RPCState current) {
                if (current == RPCState.RESPONDED) {
                    run(() -> {
                        if (neighbours.answered(to) && privateAddresses) {
                            newcomer.run();
                        }
                        answered.accept(source.getResponse());
                    });
                } else if (current == RPCState.TIMEOUT || current == RPCState.ERROR) {
                    run(() -> {
                        neighbours.failed(to);
                        failed.run();
                    });
                }
            }
        });
        server.doCall(call);
    }

    /** Whoever asks in a small DHT is asked back: only those who answer get into a table. */
    private void heard(MessageBase message) {
        InetSocketAddress from = message.getOrigin();
        if (message.getType() != MessageBase.Type.REQ_MSG || from == null || !accepts(from)) {
            return;
        }
        run(() -> {
            long now = System.nanoTime();
            Long before = pingedBack.get(from);
            boolean small = privateAddresses || dht.getNode().getNumEntriesInRoutingTable() < SMALL_DHT;
            if (!small || (before != null && now - before < PING_BACK_PAUSE.toNanos())) {
                return;
            }
            if (pingedBack.size() >= MAX_PINGED) {
                pingedBack.clear();
            }
            pingedBack.put(from, now);
            query(new PingRequest(), from, answer -> {}, () -> {});
        });
    }

    /** The peers of an infohash that others announced to this very node. */
    List<PeerAddressDBItem> storedPeers(Key infoHash) {
        PeersSeeds stored = dht.getDatabase().getData().get(infoHash);
        return stored == null ? List.of() : stored.peers().stream().toList();
    }

    GenericStorage storage() {
        return dht.getStorage();
    }

    @Override
    public void close() {
        try {
            // On its thread, so that nothing runs there that needs what the stop takes away.
            thread.submit(() -> {
                        closed = true;
                        remembered.write(neighbours.addresses());
                        dht.stop();
                    })
                    .get(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RejectedExecutionException e) {
            LOG.warn("the DHT did not stop in order", e);
        }
        thread.shutdown();
        try {
            if (!thread.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
