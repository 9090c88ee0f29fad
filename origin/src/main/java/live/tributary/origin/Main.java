package live.tributary.origin;

import live.tributary.mesh.program.Launcher;

/** {@code java -jar origin.jar}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Launcher.main(new OriginProgram(), args);
    }
}
