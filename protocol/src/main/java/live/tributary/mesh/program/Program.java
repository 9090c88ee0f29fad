package live.tributary.mesh.program;

/**
 * One of the programs: its options are the picocli fields of the implementing class, which carries {@code @Command}.
 *
 * <p>{@code main} is {@code Launcher.main(new RelayProgram(), args)}; commands such as {@code keygen} are picocli subcommands
 * that implement {@code Callable<Integer>}.
 */
public interface Program {
    ProgramKind kind();

    /**
     * Wires the program by hand and starts it; each part that must be closed is given to {@code life} as soon as it exists.
     *
     * @return once every socket is bound: what the READY line says
     * @throws UsageException where options do not go together (exit 2)
     * @throws StartException where an operator must act (one line, exit 1)
     */
    Ready start(Lifecycle life) throws Exception;
}
