package live.tributary.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void geoLibraryStaysInItsPackage() {
        noClasses()
                .that()
                .resideInAPackage("live.tributary.gateway..")
                .and()
                .resideOutsideOfPackage("live.tributary.gateway.geo..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("com.maxmind..", "live.tributary.origin..", "live.tributary.relay..")
                .allowEmptyShould(true)
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("live.tributary.gateway"));
    }
}
