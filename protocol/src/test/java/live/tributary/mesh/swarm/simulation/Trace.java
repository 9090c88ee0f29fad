package live.tributary.mesh.swarm.simulation;

import java.io.PrintStream;
import java.util.Locale;
import live.tributary.mesh.swarm.LiveSwarm;
import live.tributary.protocol.wire.LiveMessage;
import live.tributary.protocol.wire.PeerMessage;

/**
 * All that arrives, and what nodes do with it, one line each: milliseconds, sender, receiver, bytes, what. Only arrivals have
 * bytes, so a run can be recounted from outside, and followed step by step: the same seed gives the same lines.
 */
public final class Trace {
    private final PrintStream out;
    private final boolean on;
    private Agenda agenda = new Agenda();

    private Trace(PrintStream out, boolean on) {
        this.out = out;
        this.on = on;
    }

    public static Trace none() {
        return new Trace(System.out, false);
    }

    public static Trace to(PrintStream out) {
        return new Trace(out, true);
    }

    void clock(Agenda clock) {
        this.agenda = clock;
    }

    void delivered(Pipe pipe, Parcel parcel) {
        if (on) {
            line(pipe.from + " " + pipe.to + " " + parcel.bytes() + " " + name(parcel));
        }
    }

    void wasted(Pipe pipe, PeerMessage.Block block, LiveSwarm.BlockVerdict verdict) {
        if (on) {
            line(pipe.from + " " + pipe.to + " 0 " + verdict + " " + block.piece() + "+" + block.begin());
        }
    }

    void happened(Node node, String what) {
        if (on) {
            line(node + " - 0 " + what);
        }
    }

    void close() {
        if (on) {
            out.close();
        }
    }

    private void line(String text) {
        out.printf(Locale.ROOT, "%.3f %s%n", agenda.now() / 1e6, text);
    }

    private static String name(Parcel parcel) {
        if (parcel instanceof Parcel.Bytes bytes) {
            return "piece " + bytes.block().piece() + "+" + bytes.block().begin();
        }
        if (parcel instanceof Parcel.Live live && live.message() instanceof LiveMessage.RecordNews news) {
            return "record " + news.record().chunk();
        }
        if (parcel instanceof Parcel.Live live) {
            String text = live.message().toString();
            return text.length() > 80 ? live.message().getClass().getSimpleName() : text;
        }
        PeerMessage message = ((Parcel.Wire) parcel).message();
        return message.toString();
    }
}
