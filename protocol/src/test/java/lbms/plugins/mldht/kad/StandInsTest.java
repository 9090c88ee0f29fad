package lbms.plugins.mldht.kad;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import lbms.plugins.mldht.kad.utils.AddressUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The three classes of ours that stand in for bt-dht's, in public mode and in private. */
final class StandInsTest {
    private boolean before;

    @BeforeEach
    void isPublic() {
        before = AddressUtils.isPrivateAccepted();
        AddressUtils.acceptPrivate(false);
    }

    @AfterEach
    void isAsBefore() {
        AddressUtils.acceptPrivate(before);
    }

    @Test
    void winOverTheLibrarysOwn() {
        for (Class<?> ours : new Class<?>[] {AddressUtils.class, SpamThrottle.class, PeerAddressDBItem.class}) {
            assertThat(ours.getProtectionDomain().getCodeSource())
                    .isNotEqualTo(DHT.class.getProtectionDomain().getCodeSource());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"8.8.8.8", "198.18.0.1", "2001:4860:4860::8888"})
    void takeGlobalAddresses(String address) throws Exception {
        assertThat(AddressUtils.isBogon(new InetSocketAddress(InetAddress.getByName(address), 6881)))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "::1", "fe80::1", "fd00::1"
            })
    void takeLocalAddressesInPrivateModeOnly(String text) throws Exception {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(text), 6881);
        assertThat(AddressUtils.isBogon(address)).isTrue();
        AddressUtils.acceptPrivate(true);
        assertThat(AddressUtils.isBogon(address)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "::8.8.8.8", "ff02::1"})
    void neverTakeWhatIsNobodys(String text) throws Exception {
        AddressUtils.acceptPrivate(true);
        assertThat(AddressUtils.isGlobalUnicast(InetAddress.getByName(text))).isFalse();
    }

    @Test
    void packAddressesAsBep5Does() throws Exception {
        InetSocketAddress v4 = new InetSocketAddress(InetAddress.getByName("1.2.3.4"), 0xfffe);
        assertThat(AddressUtils.packAddress(v4)).containsExactly(1, 2, 3, 4, -1, -2);
        assertThat(AddressUtils.unpackAddress(AddressUtils.packAddress(v4))).isEqualTo(v4);
        InetSocketAddress v6 = new InetSocketAddress(InetAddress.getByName("2001:db8::1"), 1);
        assertThat(AddressUtils.unpackAddress(AddressUtils.packAddress(v6))).isEqualTo(v6);
    }

    @Test
    void letTenPacketsOfAnAddressThroughAtOnce() throws Exception {
        InetAddress address = InetAddress.getByName("8.8.8.8");
        SpamThrottle throttle = new SpamThrottle();
        for (int i = 0; i < 9; i++) {
            assertThat(throttle.addAndTest(address)).isFalse();
        }
        assertThat(throttle.addAndTest(address)).isTrue();
        assertThat(throttle.test(address)).isTrue();
        assertThat(throttle.calculateDelayAndAdd(address)).isEqualTo(500);
        throttle.remove(address);
        assertThat(throttle.test(address)).isFalse();
    }

    @Test
    void letAPrivateMeshBehindOneAddressTalk() throws Exception {
        AddressUtils.acceptPrivate(true);
        SpamThrottle throttle = new SpamThrottle();
        for (int i = 0; i < 500; i++) {
            assertThat(throttle.addAndTest(InetAddress.getLoopbackAddress())).isFalse();
        }
    }

    @Test
    void tellPeersOfOneAddressApartInPrivateModeOnly() {
        PeerAddressDBItem one = PeerAddressDBItem.createFromAddress(InetAddress.getLoopbackAddress(), 1, false);
        PeerAddressDBItem two = PeerAddressDBItem.createFromAddress(InetAddress.getLoopbackAddress(), 2, false);
        assertThat(one).isEqualTo(two).hasSameHashCodeAs(two);
        AddressUtils.acceptPrivate(true);
        assertThat(one).isNotEqualTo(two);
    }
}
