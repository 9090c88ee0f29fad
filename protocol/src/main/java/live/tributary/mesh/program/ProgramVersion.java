package live.tributary.mesh.program;

import java.util.Optional;

/** The version of the running program, from its jar. */
public final class ProgramVersion {
    private ProgramVersion() {}

    public static String current() {
        return Optional.ofNullable(ProgramVersion.class.getPackage().getImplementationVersion())
                .orElse("development");
    }
}
