package live.tributary.origin.fallback;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import live.tributary.protocol.hls.LivePlaylist;
import live.tributary.protocol.hls.MasterPlaylist;
import live.tributary.protocol.stream.About;
import live.tributary.protocol.stream.Head;
import live.tributary.protocol.stream.Rendition;
import live.tributary.protocol.stream.SignedHead;

/** What a term's bucket holds beside chunks: head, about and playlists, as they are now. Not thread-safe. */
final class BucketDocuments {
    private static final String BINARY = "application/octet-stream";

    private final BucketLayout layout;
    private final UploadPlan plan;
    private Optional<SignedHead> head = Optional.empty();
    private Optional<About> about = Optional.empty();

    /** @param plan is told which of them changed */
    BucketDocuments(BucketLayout layout, UploadPlan plan) {
        this.layout = layout;
        this.plan = plan;
    }

    void head(SignedHead newest) {
        boolean sameStatus = head.map(before -> before.head().status())
                .equals(Optional.of(newest.head().status()));
        head = Optional.of(newest);
        plan.changed(layout.head());
        if (!sameStatus) {
            about.ifPresent(current -> current.body().renditions().stream()
                    .map(Rendition::number)
                    .filter(rendition -> !plan.listed(rendition).isEmpty())
                    .forEach(rendition -> plan.changed(layout.playlist(rendition))));
        }
    }

    void about(About newest) {
        about = Optional.of(newest);
        plan.changed(layout.about());
        plan.changed(layout.master());
    }

    /** A chunk was stored. */
    void stored(int rendition) {
        plan.changed(layout.playlist(rendition));
    }

    int renditions() {
        return about.map(current -> current.body().renditions().size()).orElse(1);
    }

    /** The document of this name; empty while there is nothing to say in it. */
    Optional<BucketObjects.Content> content(String name) {
        if (name.equals(layout.head())) {
            return head.map(current -> content(BINARY, current.encode()));
        }
        if (name.equals(layout.about())) {
            return about.map(current -> content(BINARY, current.encoded()));
        }
        return about.map(current ->
                content(LivePlaylist.CONTENT_TYPE, playlist(name, current).getBytes(StandardCharsets.UTF_8)));
    }

    private static BucketObjects.Content content(String type, byte[] bytes) {
        return new BucketObjects.Content(bytes, type, LivePlaylist.CACHE_CONTROL);
    }

    private String playlist(String name, About current) {
        if (name.equals(layout.master())) {
            return MasterPlaylist.of(current, number -> number + "/live.m3u8");
        }
        int rendition = current.body().renditions().stream()
                .mapToInt(Rendition::number)
                .filter(number -> layout.playlist(number).equals(name))
                .findFirst()
                .orElseThrow();
        boolean ended =
                head.filter(one -> one.head().status() == Head.Status.ENDED).isPresent();
        return new LivePlaylist(current.body().targetDuration(), BucketLayout::chunkName)
                .withEnd(ended)
                .write(plan.listed(rendition));
    }
}
