package live.tributary.mesh.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import live.tributary.protocol.stream.SigningKey;
import live.tributary.protocol.stream.StreamKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ValuesTest {
    @ParameterizedTest
    @CsvSource({"20Mbit,20000000", "500kbit,500000", "1.5gbit/s,1500000000", "64bit,64", "10mbit,10000000"})
    void aBitRateIsDecimal(String text, long bits) {
        assertThat(BitRate.parse(text).bitsPerSecond()).isEqualTo(bits);
        assertThat(BitRate.parse(BitRate.parse(text).toString())).isEqualTo(BitRate.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "20", "20M", "20MB", "-1Mbit", "Mbit", "1e9bit", "0bit"})
    void whatIsNoBitRateIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BitRate.parse(text))
                .withMessageContaining("expected");
    }

    @ParameterizedTest
    @CsvSource({
        "256MB,256000000",
        "5GB,5000000000",
        "1KiB,1024",
        "2GiB,2147483648",
        "0B,0",
        "1.5kB,1500",
        "3 TB,3000000000000"
    })
    void aByteSizeIsDecimalUnlessItSaysBinary(String text, long bytes) {
        assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
        assertThat(ByteSize.parse(ByteSize.parse(text).toString())).isEqualTo(ByteSize.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "5G", "iB", "1iB", "-1B", "999999999999TB"})
    void whatIsNoByteSizeIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ByteSize.parse(text))
                .withMessageContaining("expected");
    }

    @Test
    void aStreamIsNamedByItsKeyInAnyForm() {
        StreamKey key = SigningKey.fromSeed(new byte[32]).streamKey();
        assertThat(StreamName.parse(key.text())).isEqualTo(key);
        assertThat(StreamName.parse(key.hex())).isEqualTo(key);
        assertThat(StreamName.parse("tributary:" + key.text())).isEqualTo(key);
        assertThat(StreamName.parse("https://g.example/watch/" + key.text())).isEqualTo(key);
        assertThat(StreamName.parse("http://g.example:7000/live/" + key.text() + "/0/live.m3u8"))
                .isEqualTo(key);
        assertThat(StreamName.parse("http://g.example/meta/tv/tributary%3A" + key.text() + ".json"))
                .isEqualTo(key);
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1,127.0.0.1:7001", "::,[::]:7001", "2001:db8:0:0:0:0:0:1,[2001:db8::1]:7001"})
    void theReadyLineWritesAddressesShort(String bound, String written) throws Exception {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(bound), 7001);
        assertThat(Ready.of(ProgramKind.RELAY, "k").tcp(address).line())
                .isEqualTo("READY {\"role\":\"relay\",\"id\":\"k\",\"tcp\":\"" + written + "\"}");
    }
}
