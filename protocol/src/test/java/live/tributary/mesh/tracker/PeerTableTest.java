package live.tributary.mesh.tracker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeerTableTest {
    private static final int WIDTH = 6;

    private record Peer(boolean dialable, boolean seeds, long heard) {}

    /** Beside a plain map, whatever happens to it. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void holdsWhatAMapWouldHold(long seed) {
        Random random = new Random(seed);
        PeerTable table = new PeerTable(WIDTH, new SplittableRandom(seed));
        Map<Integer, Peer> model = new HashMap<>();
        for (int now = 0; now < 4000; now++) {
            int peer = random.nextInt(300);
            int place = table.find(key(peer));
            assertThat(place != PeerTable.NOWHERE).isEqualTo(model.containsKey(peer));
            Peer said = new Peer(random.nextInt(4) > 0, random.nextInt(3) == 0, now);
            switch (random.nextInt(8)) {
                case 0 -> {
                    if (place != PeerTable.NOWHERE) {
                        table.remove(place);
                        model.remove(peer);
                    }
                }
                case 1 -> {
                    long time = now - random.nextInt(1500);
                    Set<Integer> forgotten = new HashSet<>();
                    table.expire(time, (keys, at) -> forgotten.add(number(keys, at)));
                    Set<Integer> late = model.keySet().stream()
                            .filter(known -> model.get(known).heard() < time)
                            .collect(Collectors.toSet());
                    assertThat(forgotten).isEqualTo(late);
                    model.keySet().removeAll(late);
                }
                default -> {
                    if (place == PeerTable.NOWHERE) {
                        table.add(key(peer), said.dialable(), said.seeds(), now);
                    } else {
                        table.renew(place, said.dialable(), said.seeds(), now);
                    }
                    model.put(peer, said);
                }
            }
            assertThat(table.size()).isEqualTo(model.size());
            assertThat(table.seeders())
                    .isEqualTo((int) model.values().stream().filter(Peer::seeds).count());
            assertThat(copied(table, 999, peer, false)).isEqualTo(reachable(model, peer, false));
            assertThat(copied(table, 999, peer, true)).isEqualTo(reachable(model, peer, true));
        }
    }

    /** Every other peer is as likely in an answer, whoever stands beside whom at first. */
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 20})
    void handsOutEachAsOftenAsTheOthers(int max) {
        PeerTable table = new PeerTable(WIDTH, new SplittableRandom(3));
        for (int peer = 0; peer < 40; peer++) {
            table.add(key(peer), true, false, 0);
        }
        int[] times = new int[40];
        int rounds = 8000;
        for (int round = 0; round < rounds; round++) {
            table.renew(table.find(key(round % 40)), true, false, round);
            List<Integer> answer = list(table, max, 0);
            assertThat(answer).hasSize(max).doesNotHaveDuplicates().doesNotContain(0);
            answer.forEach(peer -> times[peer]++);
        }
        double expected = (double) rounds * max / 39;
        assertThat(IntStream.range(1, 40).mapToObj(peer -> times[peer] / expected))
                .allSatisfy(share -> assertThat(share).isBetween(0.7, 1.3));
    }

    private static Set<Integer> copied(PeerTable table, int max, int but, boolean leechersOnly) {
        byte[] into = new byte[WIDTH * 300];
        int count = table.copy(max, table.find(key(but)), leechersOnly, into, 0);
        Set<Integer> peers =
                IntStream.range(0, count).mapToObj(i -> number(into, i * WIDTH)).collect(Collectors.toSet());
        assertThat(peers).hasSize(count);
        return peers;
    }

    private static List<Integer> list(PeerTable table, int max, int but) {
        byte[] into = new byte[WIDTH * max];
        int count = table.copy(max, table.find(key(but)), false, into, 0);
        return IntStream.range(0, count).mapToObj(i -> number(into, i * WIDTH)).toList();
    }

    private static Set<Integer> reachable(Map<Integer, Peer> model, int but, boolean leechersOnly) {
        return model.entrySet().stream()
                .filter(peer -> peer.getValue().dialable()
                        && peer.getKey() != but
                        && !(leechersOnly && peer.getValue().seeds()))
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    private static byte[] key(int number) {
        return new byte[] {10, 0, 0, 0, (byte) (number >> 8), (byte) number};
    }

    private static int number(byte[] keys, int at) {
        return (keys[at + 4] & 0xff) << 8 | keys[at + 5] & 0xff;
    }
}
