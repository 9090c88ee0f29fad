package live.tributary.relay;

import live.tributary.mesh.program.Launcher;

/** {@code java -jar relay.jar}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Launcher.main(new RelayProgram(), args);
    }
}
