package live.tributary.gateway;

import live.tributary.mesh.program.Launcher;

/** Starts the gateway. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Launcher.main(new GatewayProgram(), args);
    }
}
