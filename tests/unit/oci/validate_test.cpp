#include "oci/validate.h"

#include <gtest/gtest.h>

#include "tests/unit/oci/validate_harness.h"

namespace agentsafe::oci {
namespace {

TEST(ValidateTest, AcceptsTheConfigurationsOfEngines) {
  for (const char* name : {"docker", "containerd", "podman", "everything"})
    EXPECT_EQ(text_of(validate(read_spec(sample(name)))), "") << name;
}

TEST(ValidateTest, AcceptsVersionsOfTheFirstLineOnly) {
  const auto with = [](const char* version) { return findings([&](Spec& spec) { spec.ociVersion = version; }); };
  for (const char* version : {"1.0.0", "1.0.2-dev", "1.3.0", "1.99.7", "1.0.0-rc5", "1.2.0+dev"})
    EXPECT_EQ(with(version), "") << version;
  for (const char* version : {"", "1", "1.0", "2.0.0", "0.1.0", "text", "1.x.0", "1.0.0.0", "1..0", "-1.0.0"})
    EXPECT_EQ(with(version), "ociVersion: must be a version 1.x.y") << version;
}

TEST(ValidateTest, NamesWhatIsMissing) {
  Spec spec;
  spec.ociVersion = "1.0.0";
  EXPECT_EQ(text_of(validate(spec)), "root: is missing; process: is missing; linux: is missing: only Linux containers are run");
  EXPECT_EQ(findings([](Spec& s) { s.root->path = ""; }), "root.path: must not be empty");
}

TEST(ValidateTest, DescribesAllViolationsInOneLineWithTheirSections) {
  Spec spec = read_spec(sample("containerd"));
  spec.process->cwd = "tmp";
  spec.root->path = "";
  EXPECT_EQ(describe(validate(spec)),
            "config.json: root.path: must not be empty (config.md#root); "
            "process.cwd: must be an absolute path (config.md#process)");
  EXPECT_EQ(describe({{"a", "b", "c"}}, "process.json"), "process.json: a: b (c)");
}

TEST(ValidateTest, EscapesTerminalSequencesInWhatItRepeats) {
  EXPECT_EQ(findings([](Spec& spec) { spec.linux->sysctl["\x1b[31m"] = "1"; }),
            "linux.sysctl.\\x1b[31m: is not the name of a sysctl");
  EXPECT_EQ(findings([](Spec& spec) { spec.linux->rootfsPropagation = "\n"; }),
            "linux.rootfsPropagation: \"\\n\" is unknown");
}

TEST(ValidateTest, WarnsAboutWhatHasNoEffect) {
  Spec spec = read_spec(sample("docker"));
  EXPECT_TRUE(warnings(spec).empty());
  spec.annotations[""] = "x";
  spec.hooks->poststop.push_back({"/bin/true", {}, std::vector<std::string>{"A=1", "nothing"}, {}});
  spec.linux->resources->memory->kernelTCP = 1;
  spec.linux->devices.push_back({.type = "c", .path = "/dev/x", .fileMode = 0100600});
  EXPECT_EQ(warnings(spec),
            (std::vector<std::string>{
                "annotations: an annotation without a name",
                "hook /bin/true: the environment entry \"nothing\" is not NAME=value",
                "linux.resources.memory.kernel and kernelTCP are ignored: kernels no longer have these limits",
                "linux.devices: /dev/x: only the permission bits of fileMode are used"}));
  EXPECT_EQ(text_of(validate(spec)), "");
  EXPECT_TRUE(warnings(Spec{}).empty());
}

TEST(ValidateMountsTest, WantsDestinationsAndWholeMappings) {
  EXPECT_EQ(findings([](Spec& spec) { spec.mounts[0].destination = ""; }), "mounts[0].destination: must not be empty");
  EXPECT_EQ(findings([](Spec& spec) { spec.mounts[0].gidMappings.clear(); }),
            "mounts[0]: uidMappings and gidMappings go together");
  EXPECT_EQ(findings([](Spec& spec) { spec.mounts[0].uidMappings[0].size = 0; }),
            "mounts[0].uidMappings[0].size: must not be 0");
  EXPECT_EQ(findings([](Spec& spec) { spec.mounts.push_back({"relative", "/srv", "bind", {}, {}, {}}); }), "");
}

TEST(ValidateMountsTest, TakesTheMappingsOfTheUserNamespaceForIdmap) {
  const auto idmapped = [](Spec& spec) { spec.mounts.push_back({"/d", "/srv", "", {"bind", "ridmap"}, {}, {}}); };
  EXPECT_EQ(findings(idmapped), "");
  Spec spec = read_spec(sample("containerd"));
  const auto last = std::to_string(spec.mounts.size());
  idmapped(spec);
  EXPECT_EQ(text_of(validate(spec)),
            "mounts[" + last +
                "].options: idmap needs uidMappings and gidMappings, or a user namespace whose mappings it takes");
}

TEST(ValidateHooksTest, WantsAbsolutePathsAndPositiveTimeouts) {
  EXPECT_EQ(findings([](Spec& spec) {
              spec.hooks->prestart[0].path = "a";
              spec.hooks->createRuntime[0].timeout = 0;
              spec.hooks->createContainer[0].timeout = -1;
              spec.hooks->startContainer[0].path = "";
              spec.hooks->poststart[0].timeout.reset();
              spec.hooks->poststop.push_back({"./b", {}, {}, {}});
            }),
            "hooks.prestart[0].path: must be an absolute path; hooks.createRuntime[0].timeout: must be greater than 0; "
            "hooks.createContainer[0].timeout: must be greater than 0; "
            "hooks.startContainer[0].path: must be an absolute path; hooks.poststop[1].path: must be an absolute path");
}

}  // namespace
}  // namespace agentsafe::oci
