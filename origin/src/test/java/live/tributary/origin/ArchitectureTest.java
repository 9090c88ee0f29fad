package live.tributary.origin;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void storageLibraryStaysInTheFallback() {
        noClasses()
                .that()
                .resideInAPackage("live.tributary.origin..")
                .and()
                .resideOutsideOfPackage("live.tributary.origin.fallback..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("software.amazon..", "live.tributary.relay..", "live.tributary.gateway..")
                .allowEmptyShould(true)
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("live.tributary.origin"));
    }
}
