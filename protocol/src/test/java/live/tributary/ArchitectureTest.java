package live.tributary;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rules of the house that a compiler does not hold. */
class ArchitectureTest {
    private static JavaClasses classes;

    @BeforeAll
    static void read() {
        classes = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("live.tributary");
    }

    @Test
    void formatsKnowNothingOfTheMesh() {
        check(noClasses()
                .that()
                .resideInAPackage("live.tributary.protocol..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("live.tributary.mesh.."));
    }

    @Test
    void formatsHaveNoSocketsThreadsOrClocks() {
        check(noClasses()
                .that()
                .resideInAPackage("live.tributary.protocol..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.Thread")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.net.Socket")
                .orShould()
                .dependOnClassesThat()
                .resideInAnyPackage("java.util.concurrent", "java.nio.channels..", "io.netty.bootstrap..")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.time.Instant.class, "now"));
    }

    @Test
    void theCoreDoesNoIo() {
        check(noClasses()
                .that()
                .resideInAPackage("live.tributary.mesh.swarm..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.netty.channel..", "io.netty.bootstrap..", "java.nio.channels..", "java.util.concurrent")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.Thread")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.time.Instant.class, "now"));
    }

    @Test
    void bencodingLibraryStaysInItsAdapter() {
        check(noClasses()
                .that()
                .resideInAPackage("live.tributary..")
                .and()
                .resideOutsideOfPackage("live.tributary.protocol.bencode")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("bt.."));
    }

    @Test
    void dhtLibraryStaysInItsAdapter() {
        check(noClasses()
                .that()
                .resideInAPackage("live.tributary..")
                .and()
                .resideOutsideOfPackage("live.tributary.mesh.rendezvous")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("lbms..", "the8472..", "net.i2p.."));
    }

    @Test
    void playlistParserStaysInItsAdapter() {
        check(noClasses()
                .that()
                .resideInAPackage("live.tributary..")
                .and()
                .resideOutsideOfPackage("live.tributary.protocol.hls")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.lindstrom.."));
    }

    private static void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(classes);
    }
}
