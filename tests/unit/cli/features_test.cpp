#include <gtest/gtest.h>

#include <algorithm>

#include "oci/json.h"
#include "runtime/cli/features_document.h"
#include "runtime/security/seccomp.h"
#include "tests/unit/cli/fake_container.h"

namespace agentsafe::cli {
namespace {

using Names = std::vector<std::string>;

const features_document::Features& document() {
  static const auto features = features_document::features();
  return features;
}

TEST(FeaturesTest, PrintsOnlyTheDocumentIndentedByFour) {
  const Outcome outcome = run({"features"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "") << "CRI-O reads both streams";
  EXPECT_TRUE(outcome.out.starts_with("{\n    \"ociVersionMin\": \"1.0.0\",\n    \"ociVersionMax\": \"1.3.0\",\n"));
  EXPECT_EQ(json::read<features_document::Features>(outcome.out).linux.namespaces.size(), 8U);
}

TEST(FeaturesTest, ListsAreSortedAndNotEmpty) {
  const auto& linux = document().linux;
  for (const Names& names : {document().mountOptions, linux.namespaces, linux.seccomp.actions, linux.seccomp.operators,
                             linux.seccomp.archs, linux.seccomp.knownFlags, linux.memoryPolicy.modes,
                             linux.memoryPolicy.flags, document().potentiallyUnsafeConfigAnnotations}) {
    EXPECT_FALSE(names.empty());
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end())) << names.front();
  }
  EXPECT_EQ(document().hooks.size(), 6U);
  EXPECT_EQ(linux.capabilities.front(), "CAP_CHOWN");
}

TEST(FeaturesTest, OffersWhatEnginesAskFor) {
  const Names& options = document().mountOptions;
  EXPECT_NE(std::find(options.begin(), options.end(), "rro"), options.end()) << "docker's recursive read-only mounts";
  EXPECT_TRUE(document().linux.cgroup.systemd && document().linux.cgroup.systemdUser);
  EXPECT_TRUE(document().linux.mountExtensions.idmap.enabled) << "user namespaces of Kubernetes";
}

TEST(FeaturesTest, SaysThatItCanCheckpoint) {
  EXPECT_EQ(document().annotations.at("org.opencontainers.runc.checkpoint.enabled"), "true");
}

// A profile that uses one word of each list.
oci::Seccomp profile(const std::string& action, const std::string& operation) {
  oci::Seccomp seccomp;
  seccomp.defaultAction = "SCMP_ACT_ALLOW";
  oci::SeccompSyscall rule;
  rule.names = {"personality"};
  rule.action = action;
  rule.args = {{.index = 0, .value = 5, .valueTwo = 1, .op = operation}};
  seccomp.syscalls = {rule};
  if (action == "SCMP_ACT_NOTIFY") seccomp.listenerPath = "/run/agent.sock";
  return seccomp;
}

void expect_compiles(const oci::Seccomp& seccomp, const std::string& what) {
  Names warnings;
  EXPECT_NO_THROW((void)security::compile(seccomp, warnings)) << what;
}

TEST(FeaturesTest, EverySeccompWordCompiles) {
  const auto& words = document().linux.seccomp;
  // An action that is the default's needs no rule, and libseccomp refuses one.
  for (const auto& action : words.actions)
    if (action != "SCMP_ACT_ALLOW") expect_compiles(profile(action, "SCMP_CMP_EQ"), action);
  for (const auto& operation : words.operators) expect_compiles(profile("SCMP_ACT_ERRNO", operation), operation);
  for (const auto& flag : words.knownFlags) {
    oci::Seccomp seccomp = profile("SCMP_ACT_NOTIFY", "SCMP_CMP_EQ");
    seccomp.flags = Names{flag};
    expect_compiles(seccomp, flag);
  }
}

}  // namespace
}  // namespace agentsafe::cli
