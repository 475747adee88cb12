#include "oci/annotations.h"

#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "tests/unit/oci/validate_harness.h"

namespace agentsafe::oci {
namespace {

Spec with(std::string_view name, const std::string& value) {
  Spec spec;
  spec.annotations[std::string(name)] = value;
  return spec;
}

TEST(AnnotationsTest, AreOnUnlessAbsentOrZero) {
  EXPECT_FALSE(annotation::is_on({}, annotation::keep_original_groups));
  EXPECT_FALSE(annotation::is_on(with(annotation::keep_original_groups, "0"), annotation::keep_original_groups));
  for (const auto* const value : {"", "1", "true", "false"})
    EXPECT_TRUE(annotation::is_on(with(annotation::keep_original_groups, value), annotation::keep_original_groups));
}

TEST(AnnotationsTest, NameTheAgentOnlyWhereOneIsNeededAndMissing) {
  Spec spec = with(annotation::seccomp_receiver, "/run/annotated");
  annotation::settle_receiver(spec, "/run/other");  // no seccomp at all
  spec.linux.emplace().seccomp.emplace();
  annotation::settle_receiver(spec, "/run/other");
  EXPECT_EQ(spec.linux->seccomp->listenerPath, "");
  spec.linux->seccomp->syscalls.push_back({.names = {"mount"}, .action = "SCMP_ACT_NOTIFY"});
  Spec without = spec;
  without.annotations.clear();
  annotation::settle_receiver(spec, "/run/other");
  EXPECT_EQ(spec.linux->seccomp->listenerPath, "/run/annotated");
  annotation::settle_receiver(without, "/run/other");
  EXPECT_EQ(without.linux->seccomp->listenerPath, "/run/other");
  annotation::settle_receiver(without, "/run/third");
  EXPECT_EQ(without.linux->seccomp->listenerPath, "/run/other");
}

TEST(AnnotationsTest, HoldAFilterOfWholeInstructions) {
  EXPECT_FALSE(annotation::filter({}));
  EXPECT_EQ(annotation::filter(with(annotation::seccomp_bpf_data, "BgAAAAAA/38=")), std::string("\6\0\0\0\0\0\xff\x7f", 8));
  for (const auto* const value : {"", "BgAAAAAA", "BgAAAAAA/3!=", "not base64"})
    EXPECT_THROW((void)annotation::filter(with(annotation::seccomp_bpf_data, value)), Error) << value;
}

TEST(AnnotationsTest, MustHaveValuesThatMeanSomething) {
  const auto annotated = [](const char* name, const char* value) {
    return findings([&](Spec& spec) { spec.annotations[name] = value; });
  };
  EXPECT_EQ(annotated("run.oci.mount_context_type", "rootcontext"), "");
  EXPECT_EQ(annotated("run.oci.mount_context_type", "x"), "annotations.run.oci.mount_context_type: \"x\" is unknown");
  for (const std::string name :
       {"run.oci.hooks.stdout", "run.oci.hooks.stderr", "run.oci.seccomp.receiver", "run.oci.pidfd_receiver"}) {
    EXPECT_EQ(annotated(name.c_str(), "/run/x"), "");
    EXPECT_EQ(annotated(name.c_str(), "x"), "annotations." + name + ": must be an absolute path");
  }
  EXPECT_EQ(annotated("run.oci.unknown", "x"), "");
}

}  // namespace
}  // namespace agentsafe::oci
