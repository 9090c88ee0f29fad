package live.tributary.relay.nat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import live.tributary.protocol.stream.Endpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PortMappingTest {
    private static final Endpoint OUTSIDE = endpoint("8.8.4.4", 7001);
    private static final Endpoint BEHIND_ANOTHER = endpoint("100.64.3.4", 7001);

    private final List<Endpoint> told = new ArrayList<>();
    private final FakeRouter router = new FakeRouter();
    private final FakeRouters routers = new FakeRouters();
    private final PortMapping mapping =
            new PortMapping(routers, 7001, Endpoint::isGlobalUnicast, told::add, told::remove);

    @Test
    void tellsWhereTheRouterForwardsFromAndRenewsAtHalfTime() throws Exception {
        routers.found.add(router);

        assertThat(mapping.step()).isEqualTo(Duration.ofMinutes(30));
        assertThat(told).containsExactly(OUTSIDE);
        assertThat(mapping.text()).isEqualTo("the router (fake) forwards 8.8.4.4:7001 to port 7001");

        assertThat(mapping.step()).isEqualTo(Duration.ofMinutes(30));
        assertThat(router.renewals).isEqualTo(1);
        assertThat(told).containsExactly(OUTSIDE);
    }

    @Test
    void saysWhatToDoWhereNoRouterAnswers() throws Exception {
        assertThat(mapping.step()).isEqualTo(PortMapping.SEARCH_AGAIN);

        assertThat(mapping.text()).contains("no router answers").contains("port 7001");
        assertThat(told).isEmpty();
    }

    @Test
    void takesNoMappingThatEndsBehindAnotherNat() throws Exception {
        router.outside = BEHIND_ANOTHER;
        routers.found.add(router);

        mapping.step();

        assertThat(mapping.text()).contains("100.64.3.4").contains("provider's NAT");
        assertThat(router.released).isEqualTo(1);
        assertThat(told).isEmpty();
    }

    @Test
    void asksTheNextRouterWhereOneRefuses() throws Exception {
        FakeRouter refusing = new FakeRouter();
        refusing.refuses = true;
        routers.found.add(refusing);
        mapping.step();
        assertThat(mapping.text()).contains("refuses: not allowed");

        routers.found.add(router);
        mapping.step();
        assertThat(told).containsExactly(OUTSIDE);
    }

    @Test
    void searchesAgainWhereARouterForgotUs() throws Exception {
        routers.found.add(router);
        mapping.step();
        router.refuses = true;

        assertThat(mapping.step()).isEqualTo(PortMapping.SEARCH_AGAIN);
        assertThat(told).isEmpty();
        assertThat(routers.searches).isEqualTo(2);
    }

    @Test
    void followsANewAddress() throws Exception {
        routers.found.add(router);
        mapping.step();
        router.outside = endpoint("8.8.4.5", 7001);

        mapping.step();
        assertThat(told).containsExactly(endpoint("8.8.4.5", 7001));
    }

    @Test
    void takesTheMappingBackAtTheEnd() throws Exception {
        routers.found.add(router);
        PortMapper mapper = new PortMapper(routers, 7001, Endpoint::isGlobalUnicast, this::told, told::remove);
        awaitTold();
        assertThat(mapper.protocol()).hasValue("fake");

        mapper.close();

        assertThat(mapper.protocol()).isEmpty();

        assertThat(router.released).isEqualTo(1);
        assertThat(told).isEmpty();
        assertThat(routers.closed).isTrue();
    }

    @Test
    void beginsToTakeItBackWhileOthersEnd() throws Exception {
        routers.found.add(router);
        PortMapper mapper = new PortMapper(routers, 7001, Endpoint::isGlobalUnicast, this::told, told::remove);
        awaitTold();

        router.answers = new CountDownLatch(1);
        mapper.stopSoon();
        assertThat(router.releases.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        mapper.stopSoon(); // As the close does: nothing that is under way is given up for it.
        router.answers.countDown();

        mapper.close();
        assertThat(router.released).isEqualTo(1);
    }

    @Test
    void givesASearchUpAtTheEnd() throws Exception {
        CountDownLatch searching = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        Routers endless = new Routers() {
            @Override
            public List<Router> find() throws InterruptedException {
                searching.countDown();
                new CountDownLatch(1).await();
                return List.of();
            }

            @Override
            public void close() {
                closed.countDown();
            }
        };
        PortMapper mapper = new PortMapper(endless, 7001, Endpoint::isGlobalUnicast, this::told, told::remove);
        searching.await();

        mapper.stopSoon();

        assertThat(closed.await(30, TimeUnit.SECONDS)).isTrue();
        mapper.close();
    }

    private synchronized void told(Endpoint endpoint) {
        told.add(endpoint);
        notifyAll();
    }

    private synchronized void awaitTold() throws InterruptedException {
        while (told.isEmpty()) {
            wait();
        }
    }

    private static final class FakeRouters implements Routers {
        final List<Router> found = new ArrayList<>();
        int searches;
        volatile boolean closed;

        @Override
        public List<Router> find() {
            searches++;
            return List.copyOf(found);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private static final class FakeRouter implements Router {
        Endpoint outside = OUTSIDE;
        boolean refuses;
        int renewals;
        volatile int released;
        final Semaphore releases = new Semaphore(0);
        volatile CountDownLatch answers = new CountDownLatch(0);

        @Override
        public String protocol() {
            return "fake";
        }

        @Override
        public Lease map(int port, Duration lifetime) throws IOException {
            if (refuses) {
                throw new IOException("not allowed");
            }
            return new FakeLease(outside, lifetime);
        }

        private final class FakeLease implements Lease {
            private final Endpoint mapped;
            private final Duration lifetime;

            FakeLease(Endpoint mapped, Duration lifetime) {
                this.mapped = mapped;
                this.lifetime = lifetime;
            }

            @Override
            public Endpoint outside() {
                return mapped;
            }

            @Override
            public Duration lifetime() {
                return lifetime;
            }

            @Override
            public Lease renew(Duration longer) throws IOException {
                renewals++;
                return map(mapped.port(), longer);
            }

            @Override
            public void release() throws InterruptedException {
                releases.release();
                answers.await();
                released++;
            }
        }
    }

    private static Endpoint endpoint(String address, int port) {
        try {
            return new Endpoint(InetAddress.getByName(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
