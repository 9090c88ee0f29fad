package live.tributary.protocol.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import live.tributary.protocol.bencode.FormatException;
import org.junit.jupiter.api.Test;

class ExtendedHandshakeTest {
    @Test
    void readsWhatItWrote() throws Exception {
        ExtendedHandshake handshake = new ExtendedHandshake(
                Map.of("ut_metadata", 2, "tb_live", 7),
                Optional.of("Tributary 0.1"),
                OptionalInt.of(7001),
                Optional.of(InetAddress.getByName("2001:db8::7")),
                OptionalInt.of(500),
                OptionalInt.of(31235));
        assertThat(ExtendedHandshake.decode(handshake.encode())).isEqualTo(handshake);
    }

    @Test
    void saysWhoOnlyUploads() throws Exception { // BEP 21
        ExtendedHandshake handshake = new ExtendedHandshake(
                Map.of(),
                Optional.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                true);
        assertThat(handshake.encode()).isEqualTo(ascii("d1:mde11:upload_onlyi1ee"));
        assertThat(ExtendedHandshake.decode(handshake.encode()).uploadOnly()).isTrue();
        assertThat(ExtendedHandshake.decode(ascii("d1:mde11:upload_onlyi0ee")).uploadOnly())
                .isFalse();
    }

    @Test
    void readsAnOrdinaryClientsWithKeysOfItsOwn() throws Exception {
        byte[] payload = ascii("d1:md11:LT_metadatai1e6:µT_PEXi2ee1:pi6881e1:v13:\u00b5Torrent 1.2x1:zi9ee");
        ExtendedHandshake handshake = ExtendedHandshake.decode(payload);
        assertThat(handshake.idOf("LT_metadata")).hasValue(1);
        assertThat(handshake.port()).hasValue(6881);
        assertThat(handshake.version()).isEmpty(); // Not UTF-8: as good as none.
    }

    @Test
    void anIdOfZeroSwitchesAnExtensionOff() throws Exception {
        ExtendedHandshake handshake = ExtendedHandshake.decode(ascii("d1:md11:ut_metadatai0eee"));
        assertThat(handshake.idOf("ut_metadata")).isEmpty();
    }

    @Test
    void fieldsThatMakeNoSenseCountAsAbsent() throws Exception {
        ExtendedHandshake handshake =
                ExtendedHandshake.decode(ascii("d1:md1:ai-1e1:b1:xe13:metadata_sizei-5e1:pi0e4:reqq1:a6:yourip3:abce"));
        assertThat(handshake)
                .isEqualTo(new ExtendedHandshake(
                        Map.of(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        OptionalInt.empty()));
    }

    @Test
    void refusesOneByteMoreThanItsMaximum() throws Exception {
        assertThat(ExtendedHandshake.decode(ofLength(ExtendedHandshake.MAX_ENCODED))
                        .messages())
                .isEmpty();
        assertThatThrownBy(() -> ExtendedHandshake.decode(ofLength(ExtendedHandshake.MAX_ENCODED + 1)))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("length: 16385");
    }

    @Test
    void metadataMessagesReadWhatTheyWrote() throws Exception {
        byte[] page = new byte[MetadataMessage.PAGE_LENGTH];
        page[0] = 'e';
        assertThat(MetadataMessage.decode(new MetadataMessage.Request(3).encode()))
                .isEqualTo(new MetadataMessage.Request(3));
        assertThat(MetadataMessage.decode(new MetadataMessage.Reject(4).encode()))
                .isEqualTo(new MetadataMessage.Reject(4));
        assertThat(MetadataMessage.decode(new MetadataMessage.Data(5, 99_999, page).encode()))
                .usingRecursiveComparison()
                .isEqualTo(new MetadataMessage.Data(5, 99_999, page));
    }

    @Test
    void metadataMessagesAreWrittenAsBep9HasThem() {
        assertThat(new String(new MetadataMessage.Request(0).encode(), StandardCharsets.US_ASCII))
                .isEqualTo("d8:msg_typei0e5:piecei0ee");
        assertThat(new String(
                        new MetadataMessage.Data(0, 34256, ascii("xxxxxxxx")).encode(), StandardCharsets.US_ASCII))
                .isEqualTo("d8:msg_typei1e5:piecei0e10:total_sizei34256eexxxxxxxx");
        assertThat(new String(new MetadataMessage.Reject(0).encode(), StandardCharsets.US_ASCII))
                .isEqualTo("d8:msg_typei2e5:piecei0ee");
    }

    @Test
    void aMetadataPageHasNoByteMoreThanItsMaximum() {
        byte[] longest = new MetadataMessage.Data(0, 99_999, new byte[MetadataMessage.PAGE_LENGTH]).encode();
        byte[] longer = java.util.Arrays.copyOf(longest, longest.length + 1);
        assertThatThrownBy(() -> MetadataMessage.decode(longer)).isInstanceOf(FormatException.class);
        assertThatThrownBy(() -> MetadataMessage.decode(ascii("d8:msg_typei3e5:piecei0ee")))
                .isInstanceOf(FormatException.class);
    }

    private static byte[] ofLength(int length) {
        String rest = "0".repeat(length - "d1:x00000:e".length());
        return ascii("d1:x" + rest.length() + ":" + rest + "e");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
