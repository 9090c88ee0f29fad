package live.tributary.mesh.swarm.simulation;

/** Runs one scenario. */
public final class MeshBench {
    private MeshBench() {}

    public static void main(String[] args) {
        int relays = Integer.parseInt(args[0]);
        long seed = Long.parseLong(args[1]);
        String kind = args.length > 2 ? args[2] : "calm";
        Scenario scenario = switch (kind) {
            case "churn" -> Scenario.churning(seed, relays);
            case "hostile" -> Scenario.hostile(seed, relays).lasting(15, Integer.getInteger("chunks", 30));
            case "pull" -> Scenario.calm(seed, relays).with(live.tributary.mesh.swarm.SwarmConfig.Spreading.PULL);
            case "flood" -> Scenario.calm(seed, relays).with(live.tributary.mesh.swarm.SwarmConfig.Spreading.FLOOD);
            case "kill" -> Scenario.calm(seed, relays).with(0, 0, 0, 0.33);
            default -> Scenario.calm(seed, relays).lasting(15, Integer.getInteger("chunks", 30));
        };
        long start = System.nanoTime();
        Trace trace = args.length > 3 ? Trace.to(System.err) : Trace.none();
        Outcome outcome = new Simulation(scenario, trace).run();
        System.out.printf("%s %s %.1f s%n", kind, outcome, (System.nanoTime() - start) / 1e9);
    }
}
