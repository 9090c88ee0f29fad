package live.tributary.origin.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import live.tributary.protocol.stream.ChunkRecord;
import live.tributary.protocol.stream.Container;
import live.tributary.protocol.stream.Sha256;
import org.junit.jupiter.api.Test;

/** Feeds replayed from data, much faster than they were. */
class RenditionIngestTest {
    private final FeedScript feed = new FeedScript();

    @Test
    void takesEachSegmentOnceAndInOrder() {
        feed.run().list(0, "a0.ts").run().list(0, "a0.ts", "a1.ts").run();
        feed.list(1, "a1.ts", "a2.ts", "a3.ts").run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts", "a2.ts", "a3.ts");
        assertThat(feed.breaks()).isEmpty();
        assertThat(feed.missed).isZero();
        assertThat(feed.states).containsExactly(FeedState.STARTING, FeedState.LIVE);
        assertThat(feed.chunks.get(0).bytes()).isEqualTo(FeedScript.ts("a0.ts"));
    }

    @Test
    void aPlaylistThatMerelyLiesThereIsNotLive() {
        feed.list(7, "a7.ts", "a8.ts").run(Duration.ofMinutes(10));

        assertThat(feed.names()).isEmpty();
        assertThat(feed.state()).isEqualTo(FeedState.OFFLINE);
    }

    @Test
    void thatAPlaylistMerelyLiesThereIsSaidOnceUntilItMoves() {
        feed.list(7, "a7.ts", "a8.ts").run(FeedTracker.MIN_SILENCE.minusMillis(100));
        assertThat(feed.troubles).isEmpty();
        feed.run(Duration.ofMinutes(10));
        assertThat(feed.troubles).hasSize(1).first().asString().contains("has not moved", "--loop");

        feed.list(7, "a7.ts", "a8.ts", "a9.ts").run();
        assertThat(feed.troubles).hasSize(2).last().asString().isEmpty();
        assertThat(feed.names()).containsExactly("a7.ts", "a8.ts", "a9.ts");
    }

    @Test
    void aPlaylistThatComesWholeWhereNoneHadBeenIsTakenThoughItNeverMovesNorEnds() {
        feed.run().list(7, "a7.ts", "a8.ts").run(Duration.ofMinutes(2));

        assertThat(feed.names()).containsExactly("a7.ts", "a8.ts");
        assertThat(feed.state()).isEqualTo(FeedState.STALLED);
    }

    @Test
    void ofALongOneThatComesWholeNoMoreIsTakenThanIsCaughtUpOn() {
        String[] names = IntStream.rangeClosed(0, FeedTracker.CATCH_UP)
                .mapToObj(number -> number + ".ts")
                .toArray(String[]::new);
        feed.run().list(0, names).run(Duration.ofSeconds(20));

        assertThat(feed.names()).hasSize(FeedTracker.CATCH_UP).doesNotContain("0.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void aLookThatFailedOnceDoesNotLetAGrowingFilePass() {
        byte[] whole = FeedScript.ts("a4.ts");
        feed.list(3, "a3.ts").run();
        feed.file("a4.ts", Arrays.copyOf(whole, 188)).failLooks(1).list(3, "a3.ts", "a4.ts");
        feed.run(Duration.ofMillis(200));
        feed.file("a4.ts", whole).run();

        assertThat(feed.names()).endsWith("a4.ts");
        assertThat(feed.chunks.get(feed.chunks.size() - 1).bytes()).isEqualTo(whole);
    }

    @Test
    void aListWhoseAddressIsNoLongerGoodIsReadWhereItIsNamedNow() {
        URI fresh = URI.create(FeedScript.PLAYLIST + "?token=2");
        feed.list(3, "a3.ts").run().list(3, "a3.ts", "a4.ts").run();
        feed.address.name(fresh);
        feed.list(3, "a3.ts", "a4.ts", "a5.ts").run();
        assertThat(feed.read).doesNotContain(fresh);

        feed.files("a6.ts")
                .remove("stream.m3u8")
                .file(
                        "stream.m3u8?token=2",
                        FeedScript.text(4, "a4.ts", "a5.ts", "a6.ts").getBytes(StandardCharsets.UTF_8));
        feed.run();
        assertThat(feed.names()).containsExactly("a3.ts", "a4.ts", "a5.ts", "a6.ts");
        assertThat(feed.breaks()).isEmpty();
        assertThat(feed.troubles).isEmpty();
    }

    @Test
    void segmentsThatAreNamedOutsideTheFeedAreSaidOnce() {
        feed.list(3, "a3.ts").run().list(3, "a3.ts", "a4.ts").run();
        feed.listOnly(3, "a3.ts", "a4.ts", "file:///x/5.ts", "file:///x/6.ts").run(Duration.ofSeconds(10));

        assertThat(feed.missed).isEqualTo(2);
        assertThat(feed.troubles)
                .hasSize(1)
                .first()
                .asString()
                .contains("file:///x/5.ts (expected: a file in the feed)");
    }

    @Test
    void aListThatIsBeingWrittenIsNoTrouble() {
        feed.list(3, "a3.ts").run().list(3, "a3.ts", "a4.ts").run();
        for (int i = 5; i < 20; i++) {
            feed.playlist(i % 2 == 0 ? "" : "#EXTM3U\n#EXT-X-TARG").run(Duration.ofMillis(600));
            feed.list(i - 1, "a" + (i - 1) + ".ts", "a" + i + ".ts").run();
        }

        assertThat(feed.troubles).isEmpty();
        assertThat(feed.names()).endsWith("a18.ts", "a19.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void aListThatStaysUnsoundIsSaidOnceAndThatItIsOverToo() {
        feed.list(3, "a3.ts").run().playlist("nonsense").run(Duration.ofMillis(900));
        assertThat(feed.troubles).isEmpty();
        feed.run(Duration.ofSeconds(20));
        assertThat(feed.troubles).hasSize(1).first().asString().contains("not one that can be published", "#EXTM3U");
        feed.list(3, "a3.ts", "a4.ts").run();

        assertThat(feed.troubles).hasSize(2).last().asString().isEmpty();
    }

    @Test
    void aFolderThatIsGoneIsSaidAtOnce() {
        feed.list(3, "a3.ts").run().remove("stream.m3u8").run(Duration.ofMillis(250));

        assertThat(feed.troubles).hasSize(1).first().asString().contains("is not there");
    }

    @Test
    void aRunningFeedIsTakenFromItsLastThreeSegments() {
        feed.list(3, "a3.ts", "a4.ts", "a5.ts", "a6.ts", "a7.ts").run();
        feed.list(4, "a4.ts", "a5.ts", "a6.ts", "a7.ts", "a8.ts").run();

        assertThat(feed.names()).containsExactly("a5.ts", "a6.ts", "a7.ts", "a8.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void goesOnBehindTheSegmentThatTheRunBeforePublished() {
        FeedScript again = new FeedScript(Optional.of("a3.ts"));
        again.list(3, "a3.ts", "a4.ts", "a5.ts", "a6.ts", "a7.ts").run();
        assertThat(again.names())
                .as("a list that went on while nobody looked need not move once more")
                .containsExactly("a3.ts", "a4.ts", "a5.ts", "a6.ts", "a7.ts");
        again.list(4, "a4.ts", "a5.ts", "a6.ts", "a7.ts", "a8.ts").run();

        assertThat(again.names())
                .as("nothing that was listed while the origin was down is passed")
                .containsExactly("a3.ts", "a4.ts", "a5.ts", "a6.ts", "a7.ts", "a8.ts");
    }

    @Test
    void aListThatEndsWithTheSegmentPublishedLastMustMoveToBeLive() {
        FeedScript again = new FeedScript(Optional.of("a7.ts"));
        again.list(5, "a5.ts", "a6.ts", "a7.ts").run(Duration.ofMinutes(2));
        assertThat(again.names()).isEmpty();
        assertThat(again.state()).isEqualTo(FeedState.OFFLINE);
        again.list(6, "a6.ts", "a7.ts", "a8.ts").run();

        assertThat(again.names()).containsExactly("a7.ts", "a8.ts");
    }

    @Test
    void takesTheSegmentAgainInWhichTheRunBeforeMayHaveBeenCutShort() {
        FeedScript again = new FeedScript(Optional.of("a5.ts"));
        again.list(3, "a3.ts", "a4.ts", "a5.ts", "a6.ts", "a7.ts").run();
        again.list(4, "a4.ts", "a5.ts", "a6.ts", "a7.ts", "a8.ts").run();

        assertThat(again.names()).containsExactly("a5.ts", "a6.ts", "a7.ts", "a8.ts");
        assertThat(again.breaks()).isEmpty();
    }

    @Test
    void aListThatIsCutOffBeforeTheLastPublishedSegmentIsNotTakenForANewerOne() {
        FeedScript again = new FeedScript(Optional.of("a9.ts"));
        again.files("a5.ts", "a6.ts", "a7.ts", "a8.ts");
        again.listOnly(5, "a5.ts", "a6.ts").run(Duration.ofMillis(250));
        again.listOnly(6, "a6.ts", "a7.ts", "a8.ts").run(Duration.ofMillis(200));
        again.list(6, "a6.ts", "a7.ts", "a8.ts", "a9.ts", "a10.ts").run();

        assertThat(again.names()).containsExactly("a9.ts", "a10.ts");
    }

    @Test
    void aListThatIsCutOffWhenAFeedComesBackIsNotTakenForANewOneEither() {
        FeedScript again = new FeedScript(Optional.of("a9.ts"));
        again.files("a6.ts", "a7.ts").run(Duration.ofMillis(250));
        again.listOnly(6, "a6.ts", "a7.ts").run(Duration.ofMillis(500));
        again.list(6, "a6.ts", "a7.ts", "a8.ts", "a9.ts", "a10.ts").run();

        assertThat(again.names()).containsExactly("a9.ts", "a10.ts");
    }

    @Test
    void whatEndedWhileTheOriginWasDownIsStillTakenToItsEnd() {
        FeedScript again = new FeedScript(Optional.of("a1.ts"));
        again.files("a0.ts", "a1.ts", "a2.ts")
                .playlist(FeedScript.text(0, "a0.ts", "a1.ts", "a2.ts") + "#EXT-X-ENDLIST\n")
                .run();

        assertThat(again.names()).containsExactly("a1.ts", "a2.ts");
        assertThat(again.state()).isEqualTo(FeedState.ENDING);
    }

    @Test
    void aRunOfTheEncoderThatCameAndWentWhileTheOriginWasDownIsTakenWhole() {
        FeedScript again = new FeedScript(Optional.of("stream-x1-7.ts"));
        again.files("stream-y2-0.ts", "stream-y2-1.ts")
                .playlist(over("06:00:03Z", "stream-y2-0.ts", "stream-y2-1.ts", "offline-v2.ts"))
                .run();

        assertThat(again.names()).containsExactly("stream-y2-0.ts", "stream-y2-1.ts");
        assertThat(again.state()).isEqualTo(FeedState.ENDING);
        assertThat(again.missed).isZero();
    }

    @Test
    void ofSuchARunNoMoreIsTakenThanIsCaughtUpOn() {
        String[] names = IntStream.rangeClosed(0, FeedTracker.CATCH_UP)
                .mapToObj(number -> "stream-y2-" + number + ".ts")
                .toArray(String[]::new);
        FeedScript again = new FeedScript(Optional.of("stream-x1-7.ts"));
        again.files(names).playlist(over("06:00:03Z", names)).run(Duration.ofSeconds(20));

        assertThat(again.names()).hasSize(FeedTracker.CATCH_UP).doesNotContain("stream-y2-0.ts");
    }

    @Test
    void aFeedThatWasOverLongBeforeIsNoneThatWasMissed() {
        FeedScript old = new FeedScript(Optional.of("stream-x1-7.ts"));
        old.files("stream-y2-0.ts")
                .playlist(over("05:58:00Z", "stream-y2-0.ts"))
                .run();
        FeedScript timeless = new FeedScript(Optional.of("stream-x1-7.ts"));
        timeless.files("0.ts")
                .playlist(FeedScript.text(0, "0.ts") + "#EXT-X-ENDLIST\n")
                .run();

        assertThat(old.names()).isEmpty();
        assertThat(timeless.names()).isEmpty();
    }

    @Test
    void whatARunOfTheEncoderWroteBeforeTheSegmentPublishedLastIsNotTakenAgainThoughTheListForgotThatOne() {
        String[] names = {"stream-y2-6.ts", "stream-y2-7.ts", "offline-v2.ts"};
        FeedScript over = new FeedScript(Optional.of("stream-y2-8.ts"));
        over.files(names).playlist(over("06:00:03Z", names)).run();
        over.list(6, "stream-y2-6.ts", "stream-y2-7.ts", "offline-v2.ts", "stream-z3-0.ts")
                .run();
        FeedScript goesOn = new FeedScript(Optional.of("stream-y2-8.ts"));
        goesOn.list(6, "stream-y2-6.ts", "stream-y2-7.ts").run();
        goesOn.list(6, "stream-y2-6.ts", "stream-y2-7.ts", "stream-y2-9.ts", "stream-z3-0.ts")
                .run();
        FeedScript comesBack = new FeedScript(Optional.of("stream-y2-8.ts"));
        comesBack
                .run()
                .list(6, "stream-y2-6.ts", "stream-y2-7.ts", "stream-y2-9.ts")
                .run();

        assertThat(over.names()).containsExactly("stream-z3-0.ts");
        assertThat(goesOn.names()).containsExactly("stream-y2-9.ts", "stream-z3-0.ts");
        assertThat(comesBack.names()).containsExactly("stream-y2-9.ts");
    }

    /** A list that is over, whose segments begin at this time of the day on which the run before published last. */
    private static String over(String time, String... names) {
        StringBuilder text = new StringBuilder("#EXTM3U\n#EXT-X-TARGETDURATION:2\n");
        Instant start = Instant.parse("2026-11-22T" + time);
        for (String name : names) {
            text.append("#EXT-X-PROGRAM-DATE-TIME:")
                    .append(start)
                    .append("\n#EXTINF:2,\n")
                    .append(name)
                    .append('\n');
            start = start.plusSeconds(2);
        }
        return text.append("#EXT-X-ENDLIST\n").toString();
    }

    @Test
    void aListThatIsWrittenSlowlyIsNotTakenForOneThatStartsOver() {
        String[] names = {"a5.ts", "a6.ts", "a7.ts", "a8.ts", "a9.ts", "a10.ts"};
        feed.list(4, "a4.ts", "a5.ts", "a6.ts", "a7.ts", "a8.ts", "a9.ts").run();
        feed.list(4, "a4.ts", "a5.ts", "a6.ts", "a7.ts", "a8.ts", "a9.ts", "a10.ts")
                .run();
        feed.file("a5.ts", FeedScript.ts("a5.ts"))
                .file("a6.ts", FeedScript.ts("a6.ts")); // Else they would count as published.
        for (int length = 1; length <= names.length; length++) {
            feed.list(5, Arrays.copyOf(names, length)).run(Duration.ofMillis(700));
        }

        assertThat(feed.names()).containsExactly("a7.ts", "a8.ts", "a9.ts", "a10.ts");
        assertThat(feed.breaks()).isEmpty();
    }

    @Test
    void aFolderThatIsAwayForAMomentTakesNoSegmentAlongHoweverLongItHadBeenListed() {
        feed.run().listOnly(0, "a0.ts", "a1.ts").file("a0.ts", new byte[0]).run(Duration.ofSeconds(5));
        feed.remove("stream.m3u8").remove("a0.ts").run(Duration.ofSeconds(30));
        assertThat(feed.missed).isZero();
        feed.list(0, "a0.ts", "a1.ts").run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void whatAFolderLostForGoodIsLeftOutAsSoonAsItsListIsBack() {
        feed.run().listOnly(0, "stream-x1-0.ts", "stream-x1-1.ts", "stream-x1-2.ts");
        feed.file("stream-x1-0.ts", new byte[0]).run(Duration.ofSeconds(5));
        feed.remove("stream.m3u8").remove("stream-x1-0.ts").run(Duration.ofSeconds(10));
        assertThat(feed.missed).isZero();
        feed.list(0, "stream-y2-0.ts").run(Duration.ofSeconds(2));

        assertThat(feed.names()).containsExactly("stream-y2-0.ts");
        assertThat(feed.breaks()).containsExactly("stream-y2-0.ts");
        assertThat(feed.missed).isEqualTo(3);
    }

    @Test
    void whatTheRunBeforePublishedIsNotTakenAgainThoughTheListSeemsToStartOver() {
        FeedScript again = new FeedScript(Optional.of("stream-x1-7.ts"));
        again.files("stream-x1-5.ts", "stream-x1-6.ts", "stream-x1-7.ts", "offline.ts")
                .playlist(FeedScript.text(5, "stream-x1-5.ts", "stream-x1-6.ts", "stream-x1-7.ts", "offline.ts")
                        + "#EXT-X-ENDLIST\n")
                .run();
        again.list(5, "stream-x1-5.ts", "stream-x1-6.ts", "stream-x1-7.ts", "stream-x1-8.ts")
                .run();

        assertThat(again.names()).containsExactly("stream-x1-7.ts", "stream-x1-8.ts");
        assertThat(again.missed).isZero();
    }

    @Test
    void aSegmentThatWasPublishedBeforeAndIsGoneNowHoldsNothingUp() {
        FeedScript again = new FeedScript(Optional.of("a3.ts"));
        again.listOnly(3, "a3.ts", "a4.ts").files("a4.ts").run();
        again.listOnly(3, "a3.ts", "a4.ts", "a5.ts").files("a5.ts").run(Duration.ofMillis(500));

        assertThat(again.names()).containsExactly("a4.ts", "a5.ts");
        assertThat(again.missed).isZero();
    }

    @Test
    void neverTakesASegmentThatIsStillBeingWritten() {
        byte[] whole = FeedScript.ts("a1.ts");
        feed.run().list(0, "a0.ts").run().listOnly(0, "a0.ts", "a1.ts");
        for (int length = 0; length < whole.length; length += 188) {
            feed.file("a1.ts", Arrays.copyOf(whole, length)).run(Duration.ofMillis(50));
        }
        feed.file("a1.ts", whole).run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts");
        assertThat(feed.chunks.get(1).bytes()).isEqualTo(whole);
    }

    @Test
    void noneOfTheTimeThatASlowSourceTakesCountsAsTimeInWhichASizeStoodStill() {
        for (List<Integer> slow : List.of(List.of(25, 0), List.of(90, 60), List.of(0, 150), List.of(150, 20))) {
            FeedScript slowly = new FeedScript();
            slowly.slow(Duration.ofMillis(slow.get(0)), Duration.ofMillis(slow.get(1)));
            List<String> names = new ArrayList<>();
            slowly.paced(Duration.ofSeconds(2));
            for (int i = 0; i < 2 * Settling.STEADY_FILES; i++) {
                names.add("a" + i + ".ts");
                slowly.list(0, names.toArray(String[]::new)).paced(Duration.ofSeconds(2));
            }
            assertThat(slowly.names()).as("%s", slow).isEqualTo(names);
            for (int i = 0; i < names.size(); i++) {
                assertThat(slowly.stoodStill(names.get(i)))
                        .as("%s, %s ms", names.get(i), slow)
                        .isGreaterThanOrEqualTo(i < Settling.STEADY_FILES ? Settling.USUAL : Settling.STEADY);
            }
        }
    }

    @Test
    void aListThatFailedSlowlyIsNotAskedForAgainAtOnce() {
        feed.unreachable(true).slow(Duration.ofSeconds(15), Duration.ZERO);

        assertThat(feed.step()).isEqualTo(Duration.ofMillis(500));
    }

    @Test
    void otherBytesOfTheSameSizeAreAFileThatIsBeingWritten() {
        List<String> names = steady();
        names.add("last.ts");
        feed.file("last.ts", FeedScript.ts("half of it")).listOnly(0, names.toArray(String[]::new));
        feed.hinted().run(Duration.ofMillis(50)).file("last.ts", FeedScript.ts("all of it"));
        feed.run(Settling.GROWING);
        assertThat(feed.names()).doesNotContain("last.ts");
        feed.run(Duration.ofMillis(100));

        assertThat(feed.names()).endsWith("last.ts");
        IngestedChunk last = feed.chunks.get(feed.chunks.size() - 1);
        assertThat(last.bytes()).isEqualTo(FeedScript.ts("all of it"));
        assertThat(last.sha256()).isEqualTo(Sha256.ofContent(last.bytes()));
        assertThat(feed.missed).isZero();
    }

    @Test
    void aFileThatChangesForEverAtOneSizeHoldsNothingUpForEver() {
        List<String> names = steady();
        names.addAll(List.of("ever.ts", "last.ts"));
        feed.files("last.ts").file("ever.ts", FeedScript.ts("word")).listOnly(0, names.toArray(String[]::new));
        feed.hinted().run(Duration.ofMillis(50));
        for (int i = 0; i < 600; i++) {
            feed.file("ever.ts", FeedScript.ts("word " + i)).run(Duration.ofMillis(50));
        }

        assertThat(feed.names()).endsWith("last.ts").doesNotContain("ever.ts");
    }

    @Test
    void whatIsHashedAheadIsWhatIsPublished() {
        List<String> names = steady();
        for (int i = 0; i < 5; i++) {
            names.add("more" + i + ".ts");
            feed.list(0, names.toArray(String[]::new)).run(Duration.ofMillis(500));
        }

        assertThat(feed.names()).endsWith("more3.ts", "more4.ts");
        assertThat(feed.contents)
                .as("each is read ahead, and again in the end")
                .endsWith("more3.ts", "more3.ts", "more4.ts", "more4.ts");
        assertThat(feed.chunks)
                .allSatisfy(chunk -> assertThat(chunk.sha256()).isEqualTo(Sha256.ofContent(chunk.bytes())));
    }

    @Test
    void aSegmentThatCouldNotBeReadAheadIsTakenAsSoonAsAnyOther() {
        List<String> names = steady();
        names.add("last.ts");
        feed.list(0, names.toArray(String[]::new)).hinted().failReads(1).run(Duration.ofMillis(100));

        assertThat(feed.names()).endsWith("last.ts");
    }

    /** The names of a feed whose files have come whole for a while. */
    private List<String> steady() {
        List<String> names = new ArrayList<>();
        feed.run();
        for (int i = 0; i <= Settling.STEADY_FILES; i++) {
            names.add("a" + i + ".ts");
            feed.list(0, names.toArray(String[]::new)).run();
        }
        assertThat(feed.names()).hasSizeGreaterThanOrEqualTo(Settling.STEADY_FILES);
        return names;
    }

    @Test
    void aSegmentWhoseStructureIsUnsoundWaitsAndIsLeftOutInTheEnd() {
        feed.run().listOnly(0, "a0.ts", "a1.ts").files("a1.ts");
        feed.file("a0.ts", new byte[188]).run(Duration.ofSeconds(3));
        assertThat(feed.names()).isEmpty();

        feed.run(Duration.ofSeconds(3));
        assertThat(feed.names()).containsExactly("a1.ts");
        assertThat(feed.breaks()).containsExactly("a1.ts");
        assertThat(feed.missed).isEqualTo(1);
    }

    @Test
    void aSegmentThatGrowsSlowlyIsNotLeftOut() {
        byte[] whole = FeedScript.ts("a0.ts");
        feed.run().listOnly(0, "a0.ts", "a1.ts").files("a1.ts");
        for (int length = 100; length < whole.length; length += 92) {
            feed.file("a0.ts", Arrays.copyOf(whole, length % 188 == 0 ? length - 1 : length))
                    .run(Duration.ofSeconds(3));
        }
        feed.file("a0.ts", whole).run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void aPlaylistReadWhileItIsWrittenLeadsNowhere() {
        feed.run().list(0, "a0.ts", "a1.ts").run().files("a2.ts", "a.ts", "a1", "a");
        String whole = FeedScript.text(0, "a0.ts", "a1.ts", "a2.ts");
        for (int length = 0; length <= whole.length(); length++) {
            feed.playlist(whole.substring(0, length)).run(Duration.ofMillis(50));
        }
        feed.run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts", "a2.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void anEncoderThatStartsOverGoesOnBehindABreak() {
        feed.run().list(0, "stream-x1-0.ts").run();
        feed.list(5, "stream-x1-5.ts", "stream-x1-6.ts").run();
        feed.list(0, "stream-y2-0.ts")
                .run()
                .list(0, "stream-y2-0.ts", "stream-y2-1.ts")
                .run();

        assertThat(feed.names())
                .containsExactly(
                        "stream-x1-0.ts", "stream-x1-5.ts", "stream-x1-6.ts", "stream-y2-0.ts", "stream-y2-1.ts");
        assertThat(feed.breaks()).containsExactly("stream-x1-5.ts", "stream-y2-0.ts");
        assertThat(feed.missed).isEqualTo(4);
    }

    @Test
    void anotherIdInTheNamesIsABreakEvenWhereTheNumbersGoOn() {
        feed.run().list(0, "stream-x1-0.ts").run();
        feed.list(0, "stream-x1-0.ts", "stream-y2-0.ts", "stream-y2-1.ts").run();
        feed.list(40, "stream-z3-40.ts").run();

        assertThat(feed.breaks()).containsExactly("stream-y2-0.ts", "stream-z3-40.ts");
        assertThat(feed.missed).isZero();
    }

    @Test
    void anEncoderThatStartsOverWithTheSameNamesIsSeenByItsGrowth() {
        feed.run().list(0, "0.ts", "1.ts", "2.ts", "3.ts", "4.ts").run();
        for (String name : new String[] {"0.ts", "1.ts", "2.ts", "3.ts", "4.ts"}) {
            feed.file(name, FeedScript.ts("new " + name));
        }
        feed.list(0, "0.ts").run().list(0, "0.ts", "1.ts").run();
        feed.list(0, "0.ts", "1.ts", "2.ts").run();

        assertThat(feed.names()).containsExactly("0.ts", "1.ts", "2.ts", "3.ts", "4.ts", "0.ts", "1.ts", "2.ts");
        assertThat(feed.breaks()).containsExactly("0.ts");
    }

    @Test
    void anEncoderThatStartsOverIsSeenByItsClockToo() {
        String first =
                "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:2026-11-22T06:00:00Z\n#EXTINF:2,\n0.ts\n";
        feed.run().files("0.ts").playlist(first).run();
        feed.file("0.ts", FeedScript.ts("new"))
                .playlist(first.replace("06:00", "06:07"))
                .run();

        assertThat(feed.names()).containsExactly("0.ts", "0.ts");
        assertThat(feed.breaks()).containsExactly("0.ts");
    }

    @Test
    void anOlderCopyFromACacheChangesNothing() {
        feed.run().list(0, "a0.ts", "a1.ts").run().list(1, "a1.ts", "a2.ts").run();
        feed.list(0, "a0.ts", "a1.ts").run().list(1, "a1.ts", "a2.ts").run();
        feed.list(2, "a2.ts", "a3.ts").run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts", "a2.ts", "a3.ts");
        assertThat(feed.breaks()).isEmpty();
    }

    @Test
    void offlineClipsAreNeverTaken() {
        feed.run().list(0, "stream-x1-0.ts").run().files("offline-v2.ts");
        feed.playlist(FeedScript.text(0, "stream-x1-0.ts", "offline-v2.ts") + "#EXT-X-ENDLIST\n")
                .run();
        assertThat(feed.state()).isEqualTo(FeedState.ENDING);
        feed.list(0, "stream-x1-0.ts", "offline-v2.ts", "stream-x1-1.ts").run();

        assertThat(feed.names()).containsExactly("stream-x1-0.ts", "stream-x1-1.ts");
        assertThat(feed.breaks()).containsExactly("stream-x1-1.ts");
        assertThat(feed.state()).isEqualTo(FeedState.LIVE);
        assertThat(feed.missed).isZero();
    }

    @Test
    void whatIsOverAtTheFirstLookStaysOverAndTheNextBroadcastIsTakenWhole() {
        feed.files("old-0.ts")
                .playlist(FeedScript.text(0, "old-0.ts", "offline.ts") + "#EXT-X-ENDLIST\n")
                .run();
        feed.list(0, "new-0.ts").run();

        assertThat(feed.names()).containsExactly("new-0.ts");
    }

    @Test
    void theEndIsFinalAfterAGrace() {
        feed.run().list(0, "a0.ts").run();
        feed.playlist(FeedScript.text(0, "a0.ts") + "#EXT-X-ENDLIST\n").run(Duration.ofSeconds(50));
        assertThat(feed.state()).isEqualTo(FeedState.ENDING);

        feed.run(Duration.ofSeconds(20));
        assertThat(feed.state()).isEqualTo(FeedState.OFFLINE);
    }

    @Test
    void silenceIsAStallAndTheNextSegmentEndsIt() {
        feed.run().list(0, "a0.ts").run(Duration.ofSeconds(11));
        assertThat(feed.state()).isEqualTo(FeedState.LIVE);
        feed.run(Duration.ofSeconds(3));
        assertThat(feed.state()).isEqualTo(FeedState.STALLED);

        feed.list(0, "a0.ts", "a1.ts").run();
        assertThat(feed.state()).isEqualTo(FeedState.LIVE);
        assertThat(feed.breaks()).isEmpty();
    }

    @Test
    void segmentsThatWerePassedAreCountedAndLeaveABreak() {
        feed.run().list(0, "a0.ts").run().list(4, "a4.ts", "a5.ts").run();

        assertThat(feed.names()).containsExactly("a0.ts", "a4.ts", "a5.ts");
        assertThat(feed.missed).isEqualTo(3);
        assertThat(feed.breaks()).containsExactly("a4.ts");
    }

    @Test
    void aFolderThatVanishesIsTriedUntilItIsBack() {
        feed.run().list(0, "a0.ts").run().remove("stream.m3u8").run(Duration.ofMinutes(1));
        feed.list(0, "a0.ts", "a1.ts").run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts");
        assertThat(feed.states).containsExactly(FeedState.STARTING, FeedState.LIVE, FeedState.STALLED, FeedState.LIVE);
    }

    @Test
    void aFeedThatCannotBeReachedLosesNothingThatIsStillThereAfterwards() {
        feed.run().list(0, "a0.ts").run().listOnly(0, "a0.ts", "a1.ts").run(Duration.ofMillis(250));
        feed.unreachable(true).files("a1.ts").run(Duration.ofSeconds(10));
        feed.unreachable(false).run();

        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts");
    }

    @Test
    void aFileThatIsListedAgainUnderAnotherNumberIsTakenOnce() {
        feed.run().list(0, "stream-x1-0.ts", "stream-x1-1.ts").run();
        feed.list(0, "stream-x1-1.ts", "stream-y2-0.ts").run();

        assertThat(feed.names()).containsExactly("stream-x1-0.ts", "stream-x1-1.ts", "stream-y2-0.ts");
        assertThat(feed.breaks()).containsExactly("stream-y2-0.ts");
    }

    @Test
    void theSameBytesWrittenAnewAreAnotherSegment() {
        feed.run().list(5, "0.ts").run();
        feed.file("0.ts", FeedScript.ts("0.ts")).list(0, "0.ts").run();
        feed.file("stream-y2-1.ts", FeedScript.ts("0.ts"));
        feed.list(1, "stream-y2-1.ts").run();

        assertThat(feed.names()).containsExactly("0.ts", "0.ts", "stream-y2-1.ts");
    }

    @Test
    void gapsOfTheFeedAreGaps() {
        feed.run().files("a0.ts", "a2.ts");
        feed.playlist(FeedScript.text(0, "a0.ts") + "#EXTINF:2,\n#EXT-X-GAP\na1.ts\n#EXTINF:2,\na2.ts\n")
                .run();

        assertThat(feed.names()).containsExactly("a0.ts", "a2.ts");
        assertThat(feed.breaks()).containsExactly("a2.ts");
        assertThat(feed.missed).isEqualTo(1);
    }

    @Test
    void encryptedFeedsAndFeedsOfPartsAndOurOwnAreRefused() {
        String start = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
        feed.run().files("a0.ts");
        feed.playlist(start + "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\na0.ts\n")
                .run();
        feed.playlist(start + "#EXT-X-PART:DURATION=1,URI=\"a0.ts\"\n").run();
        feed.playlist(start + "###magnet:?xt=urn:btih:00\n#EXTINF:2,\na0.ts\n").run();

        assertThat(feed.names()).isEmpty();
    }

    @Test
    void anMp4ChunkIsItsInitAndItsFragmentAndAnotherInitIsABreak() {
        byte[] init = box("ftyp", 8, box("moov", 16));
        byte[] fragment = box("moof", 32, box("mdat", 100));
        feed.run()
                .file("init.mp4", init)
                .file("init2.mp4", box("ftyp", 8, box("moov", 24)))
                .file("0.m4s", fragment)
                .file("1.m4s", box("moof", 40, box("mdat", 50)))
                .file("2.m4s", box("moof", 48, box("mdat", 50)))
                .playlist("""
                        #EXTM3U
                        #EXT-X-TARGETDURATION:2
                        #EXT-X-MAP:URI="init.mp4"
                        #EXTINF:2,
                        0.m4s
                        #EXTINF:2,
                        1.m4s
                        #EXT-X-MAP:URI="init2.mp4"
                        #EXTINF:2,
                        2.m4s
                        """)
                .run();

        assertThat(feed.names()).containsExactly("0.m4s", "1.m4s", "2.m4s");
        IngestedChunk first = feed.chunks.get(0);
        assertThat(first.container()).isEqualTo(Container.MP4);
        assertThat(first.initLength()).isEqualTo(init.length);
        assertThat(first.bytes()).startsWith(init).endsWith(fragment).hasSize(init.length + fragment.length);
        assertThat(feed.breaks()).containsExactly("2.m4s");
    }

    @Test
    void aFragmentWithoutAllOfItsBytesIsNotTaken() {
        byte[] fragment = box("moof", 32, box("mdat", 100));
        feed.run()
                .file("init.mp4", box("ftyp", 8, box("moov", 16)))
                .file("0.m4s", Arrays.copyOf(fragment, fragment.length - 1))
                .playlist("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\n0.m4s\n")
                .run();
        assertThat(feed.names()).isEmpty();

        feed.file("0.m4s", fragment).run();
        assertThat(feed.names()).containsExactly("0.m4s");
    }

    @Test
    void segmentsThatAreRangesOfOneFileAreTakenOneByOne() {
        byte[] one = FeedScript.ts("one");
        byte[] two = FeedScript.ts("two");
        feed.run()
                .file(
                        "all.ts",
                        ByteBuffer.allocate(one.length * 2).put(one).put(two).array())
                .playlist("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:564@0\nall.ts\n"
                        + "#EXTINF:2,\n#EXT-X-BYTERANGE:564\nall.ts\n")
                .run();

        assertThat(feed.chunks).extracting(IngestedChunk::bytes).containsExactly(one, two);
    }

    @Test
    void aSegmentOfTheLargestSizeIsTakenAndOneOfAPacketMoreIsNot() {
        int largest = ChunkRecord.MAX_CHUNK / 188 * 188;
        feed.run()
                .file("0.ts", packets(largest))
                .file("1.ts", packets(largest + 188))
                .files("2.ts")
                .listOnly(0, "0.ts", "1.ts", "2.ts")
                .run(Duration.ofSeconds(6));

        assertThat(feed.names()).containsExactly("0.ts", "2.ts");
        assertThat(feed.missed).isEqualTo(1);
    }

    @Test
    void anEmptyFileHoldsNothingUp() {
        feed.run().file("1.ts", new byte[0]).list(0, "0.ts", "1.ts", "2.ts").run(Duration.ofSeconds(11));

        assertThat(feed.names()).containsExactly("0.ts", "2.ts");
        assertThat(feed.breaks()).containsExactly("2.ts");
        assertThat(feed.missed).isEqualTo(1);
    }

    @Test
    void aFileThatGrowsForEverHoldsNothingUpForEver() {
        feed.run().list(0, "0.ts", "1.ts", "2.ts");
        for (int i = 1; i < 600; i++) {
            feed.file("1.ts", packets(188 * i)).run(Duration.ofMillis(50));
        }

        assertThat(feed.names()).containsExactly("0.ts", "2.ts");
        assertThat(feed.missed).isEqualTo(1);
    }

    @Test
    void aSegmentIsTakenThoughItsServerTellsAnotherSizeThanItSends() {
        feed.run().toldSize(7).list(0, "0.ts", "1.ts").run();

        assertThat(feed.names()).containsExactly("0.ts", "1.ts");
    }

    @Test
    void aRangeOfAFileThatGrowsOnIsTakenOnceItIsAllThere() {
        String list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:564@0\nall.ts\n";
        feed.run().file("all.ts", packets(376)).playlist(list).run();
        assertThat(feed.names()).isEmpty();
        for (int i = 3; i < 10; i++) {
            feed.file("all.ts", packets(188 * i)).run(Duration.ofMillis(50));
        }

        assertThat(feed.names()).containsExactly("all.ts@0");
    }

    @Test
    void anInitThatIsStillBeingWrittenIsReadAgain() {
        byte[] init = box("ftyp", 8, box("moov", 16));
        feed.run()
                .file("init.mp4", Arrays.copyOf(init, init.length - 1))
                .file("0.m4s", box("moof", 32, box("mdat", 100)))
                .playlist("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\n0.m4s\n")
                .run(Duration.ofSeconds(1));
        assertThat(feed.names()).isEmpty();

        feed.file("init.mp4", init).run(Duration.ofSeconds(1));

        assertThat(feed.names()).containsExactly("0.m4s");
        assertThat(feed.missed).isZero();
    }

    @Test
    void anInitThatIsWrittenAnewUnderItsNameIsReadAgainBehindABreak() {
        byte[] another = box("ftyp", 8, box("moov", 24));
        String list = """
                #EXTM3U
                #EXT-X-TARGETDURATION:2
                #EXT-X-MAP:URI="init.mp4"
                #EXTINF:2,
                0.m4s
                """;
        feed.run()
                .file("init.mp4", box("ftyp", 8, box("moov", 16)))
                .file("0.m4s", box("moof", 32, box("mdat", 100)))
                .file("1.m4s", box("moof", 40, box("mdat", 100)))
                .playlist(list)
                .run()
                .file("init.mp4", another)
                .playlist(list + "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\n1.m4s\n")
                .run();

        assertThat(feed.chunks.get(1).bytes()).startsWith(another);
    }

    @Test
    void aListWithoutNumbersGoesOnWithoutBreaksWhileItSlides() {
        feed.run();
        for (int i = 0; i < 6; i++) {
            feed.list(0, "a" + i + ".ts", "a" + (i + 1) + ".ts", "a" + (i + 2) + ".ts")
                    .run();
        }

        assertThat(feed.names())
                .containsExactly("a0.ts", "a1.ts", "a2.ts", "a3.ts", "a4.ts", "a5.ts", "a6.ts", "a7.ts");
        assertThat(feed.breaks()).isEmpty();
        assertThat(feed.missed).isZero();
    }

    @Test
    void aListWhoseLastLineNeverGetsItsNewlineIsReadToItsEndOnceItStandsStill() {
        feed.run().files("a1.ts").list(0, "a0.ts").run();
        feed.playlist(FeedScript.text(0, "a0.ts", "a1.ts").strip()).run(Duration.ofMillis(400));
        assertThat(feed.names()).containsExactly("a0.ts");

        feed.run();
        assertThat(feed.names()).containsExactly("a0.ts", "a1.ts");
    }

    @Test
    void numbersThatLeapAheadAreAnotherRunsAndNoLoss() {
        feed.run().list(0, "a0.ts").run().list(1_700_000_000, "b0.ts").run();
        feed.list(1_700_000_003, "b3.ts").run();

        assertThat(feed.names()).containsExactly("a0.ts", "b0.ts", "b3.ts");
        assertThat(feed.breaks()).containsExactly("b0.ts", "b3.ts");
        assertThat(feed.missed).isEqualTo(2);
    }

    @Test
    void aRestartGoesOnInTheRightPlaceWhereOnlyFoldersOrQueriesTellFilesApart() {
        for (String form : List.of("%d/media.ts", "seg?n=%d", "%d-" + "x".repeat(400) + ".ts")) {
            String[] names = IntStream.range(0, 5).mapToObj(form::formatted).toArray(String[]::new);
            FeedScript first = new FeedScript();
            first.run().list(0, names[0], names[1], names[2]).run();
            assertThat(first.chunks).hasSize(3);
            FeedScript again = new FeedScript(Optional.of(first.names().get(1)));
            again.list(0, names).run();

            assertThat(again.names())
                    .hasSize(4)
                    .startsWith(first.names().get(1), first.names().get(2));
        }
    }

    @Test
    void whatIsLeftOutIsSaidUntilASegmentIsTakenAgain() {
        byte[] audio = {'I', 'D', '3', 4, 0};
        feed.run()
                .file("0.aac", audio)
                .file("1.aac", audio)
                .listOnly(0, "0.aac", "1.aac")
                .run(Duration.ofSeconds(9));
        assertThat(feed.troubles).last().asString().startsWith("1.aac was left out: segment: packed audio");
        feed.list(2, "2.ts").run();

        assertThat(feed.names()).containsExactly("2.ts");
        assertThat(feed.troubles).last().asString().isEmpty();
    }

    @Test
    void packedAudioIsRefusedByName() {
        assertThatThrownBy(() -> SegmentStructure.pack(Optional.empty(), new byte[] {'I', 'D', '3', 4, 0}))
                .hasMessageContaining("packed audio");
        assertThatThrownBy(() -> SegmentStructure.pack(Optional.empty(), new byte[] {(byte) 0xff, (byte) 0xf1, 0}))
                .hasMessageContaining("packed audio");
        assertThatThrownBy(() -> SegmentStructure.pack(Optional.empty(), box("moof", 32, box("mdat", 100))))
                .hasMessageContaining("without its init");
    }

    private static byte[] packets(int length) {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length; at += 188) {
            bytes[at] = 0x47;
        }
        return bytes;
    }

    private static byte[] box(String type, int length, byte[]... behind) {
        int more = Arrays.stream(behind).mapToInt(bytes -> bytes.length).sum();
        ByteBuffer box = ByteBuffer.allocate(length + more)
                .putInt(length)
                .put(type.getBytes(StandardCharsets.US_ASCII))
                .position(length);
        Arrays.stream(behind).forEach(box::put);
        return box.array();
    }
}
