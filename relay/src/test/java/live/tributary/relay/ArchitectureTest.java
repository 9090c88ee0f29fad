package live.tributary.relay;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void standsOnTheProtocolModuleAlone() {
        noClasses()
                .that()
                .resideInAPackage("live.tributary.relay..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("live.tributary.origin..", "live.tributary.gateway..", "bt..", "lbms..")
                .allowEmptyShould(true)
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("live.tributary.relay"));
    }
}
