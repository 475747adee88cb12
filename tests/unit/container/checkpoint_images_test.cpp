#include "runtime/container/checkpoint_images.h"

#include <gtest/gtest.h>

#include "runtime/base/error.h"

namespace agentsafe::container {
namespace {

using Streams = std::vector<std::pair<std::string, std::int32_t>>;
using Names = std::vector<std::string>;

TEST(DescriptorsTest, TakesThePipesOfTheStandardStreams) {
  EXPECT_EQ(inherited_pipes(R"(["/dev/null","pipe:[7]","pipe:[8]"])"), (Streams{{"pipe:[7]", 1}, {"pipe:[8]", 2}}));
  EXPECT_EQ(inherited_pipes(R"(["/srv/file[1c:a]","/dev/pts/0",null])"), (Streams{}));
}

TEST(DescriptorsTest, TakesAPipeOnceAndNothingBeyondTheStandardStreams) {
  EXPECT_EQ(inherited_pipes(R"(["pipe:[7]","pipe:[7]","x","pipe:[9]"])"), (Streams{{"pipe:[7]", 0}}));
  EXPECT_THROW((void)inherited_pipes("["), Error);
}

TEST(DescriptorsTest, AreWrittenAsRuncWritesThem) {
  EXPECT_EQ(descriptors_json({"/dev/null", "pipe:[7]"}), R"(["/dev/null","pipe:[7]"])");
}

TEST(ExternalDescriptorsTest, AreTheInitsOwnWhenTheirOtherEndsAreOutside) {
  EXPECT_EQ(external_descriptors({"/dev/null", "pipe:[7]", "pipe:[8]"},
                                 {{1, "pipe:[7]", false, true}, {2, "pipe:[8]", false, true}}),
            (Names{"/dev/null", "pipe:[7]", "pipe:[8]"}));
}

// exec > >(tee log): the init writes into a pipe whose reader is in the container, tee has the one that came from
// outside
TEST(ExternalDescriptorsTest, AreFoundInAnotherProcessWhenTheInitHasReplacedThem) {
  EXPECT_EQ(external_descriptors({"/dev/null", "pipe:[9]", "pipe:[8]"}, {{1, "pipe:[9]", false, true},
                                                                         {2, "pipe:[8]", false, true},
                                                                         {0, "pipe:[9]", true, false},
                                                                         {1, "pipe:[7]", false, true}}),
            (Names{"/dev/null", "pipe:[7]", "pipe:[8]"}));
}

TEST(ExternalDescriptorsTest, LeaveOutPipesWithBothEndsInside) {
  const auto names =
      external_descriptors({"", "pipe:[9]", ""}, {{1, "pipe:[9]", false, true}, {0, "pipe:[9]", true, false}});
  EXPECT_TRUE(inherited_pipes(descriptors_json(names)).empty());
}

TEST(ProvenanceTest, ReadsBackAndRefusesOtherVersions) {
  const Provenance read = read_provenance(to_json({.policy = "strict", .effectivePolicy = "{}"}));
  EXPECT_EQ(read.policy, "strict");
  EXPECT_EQ(read.effectivePolicy, "{}");
  EXPECT_THROW((void)read_provenance(R"({"version":2,"policy":"oci"})"), Error);
  EXPECT_THROW((void)read_provenance("[]"), Error);
}

std::string source_of(const std::vector<ExternalMount>& mounts, const std::string& destination) {
  for (const auto& mount : mounts)
    if (mount.destination == destination) return mount.source;
  return "none";
}

TEST(ExternalMountsTest, AreBindsAndCgroupsOfTheHost) {
  mount::RootfsPlan plan;
  plan.mounts = {{.kind = mount::StepKind::bind, .destination = "/data", .source = "/srv"},
                 {.kind = mount::StepKind::filesystem, .destination = "/tmp", .type = "tmpfs"},
                 {.kind = mount::StepKind::cgroup, .destination = "/sys/fs/cgroup"}};
  plan.cgroup_view = mount::CgroupView::split;
  plan.cgroups = {{"memory", "/sys/fs/cgroup/memory/a", {}}};
  plan.binds_devices = true;
  plan.devices = {{.path = "/dev/null"}};
  const auto mounts = external_mounts(plan, "/run/x");
  EXPECT_EQ(source_of(mounts, "/data"), "/srv");
  EXPECT_EQ(source_of(mounts, "/tmp"), "none");
  EXPECT_EQ(source_of(mounts, "/sys/fs/cgroup/memory"), "/sys/fs/cgroup/memory/a");
  EXPECT_EQ(source_of(mounts, "/dev/null"), "/dev/null");
  EXPECT_EQ(source_of(mounts, "/run/notify"), "/run/x/notify");
}

TEST(ExternalMountsTest, LeaveAFreshCgroupMountToCriu) {
  mount::RootfsPlan plan;
  plan.mounts = {{.kind = mount::StepKind::cgroup, .destination = "/sys/fs/cgroup"}};
  plan.cgroup_view = mount::CgroupView::fresh;
  plan.cgroups = {{"", "/sys/fs/cgroup/a", {}}};
  EXPECT_EQ(source_of(external_mounts(plan, "/run/x"), "/sys/fs/cgroup"), "none");
}

TEST(ExternalMountsTest, RefuseMappedIds) {
  mount::RootfsPlan plan;
  plan.mounts = {{.kind = mount::StepKind::bind, .destination = "/data", .source = "/srv", .idmapped = true}};
  EXPECT_THROW((void)external_mounts(plan, "/run/x"), Error);
}

TEST(CriuFailureTest, GivesWhatReasonThereIs) {
  criu::Answer answer;
  EXPECT_EQ(criu_failure(answer, "/missing.log"), "criu: it gives no reason (see /missing.log)");
  answer.error_text = "first\n";
  EXPECT_EQ(criu_failure(answer, "/missing.log"), "criu: first (see /missing.log)");
}

}  // namespace
}  // namespace agentsafe::container
