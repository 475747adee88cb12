#include "runtime/plan/plan.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "oci/spec_json.h"
#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"

namespace agentsafe::plan {
namespace {

HostFacts hybrid_host() {
  HostFacts host;
  host.cgroups.mode = cgroup::Mode::hybrid;
  host.cgroups.v1 = {{.controllers = {"memory"}, .mount_point = "/sys/fs/cgroup/memory", .own = "/"},
                     {.controllers = {"cpu", "cpuacct"}, .mount_point = "/sys/fs/cgroup/cpu,cpuacct", .own = "/"}};
  host.cgroups.unified = {{.mount_point = "/sys/fs/cgroup/unified", .own = "/"}};
  return host;
}

HostFacts v2_host() {
  HostFacts host;
  host.cgroups.mode = cgroup::Mode::v2;
  host.cgroups.unified = {{.mount_point = "/sys/fs/cgroup", .own = "/"}};
  return host;
}

Options options(Mode mode = Mode::create) {
  Options options;
  options.mode = mode;
  options.id = "web";
  options.bundle = "/bundles/web";
  options.state_dir = "/run/agentsafe/web";
  return options;
}

oci::Spec minimal() {
  return oci::read_spec(R"({"ociVersion":"1.2.0","root":{"path":"/bundles/web/rootfs"},
    "process":{"user":{"uid":0,"gid":0},"args":["sh"],"cwd":"/","env":["PATH=/bin"]},
    "linux":{"namespaces":[{"type":"pid"},{"type":"mount"}]}})");
}

std::string golden(const std::string& name) {
  return sys::read_file(sys::at_cwd, std::string(AGENTSAFE_GOLDEN) + "/" + name);
}

// Set AGENTSAFE_UPDATE_GOLDEN to write the file anew, then read the difference.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(AGENTSAFE_GOLDEN) + "/" + name;
  if (std::getenv("AGENTSAFE_UPDATE_GOLDEN") != nullptr)
    sys::write_all(sys::openat(sys::at_cwd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644), text);
  EXPECT_EQ(text, golden(name));
}

TEST(PlanTest, OfAMinimalSpecWarnsOfNothing) {
  EXPECT_EQ(make_plan(minimal(), v2_host(), options()).warnings, std::vector<std::string>());
}

TEST(PlanTest, OfADockerLikeSpecIsTheGoldenOne) {
  const auto spec = oci::read_spec(golden("docker.json"));
  expect_golden("docker.plan", print(make_plan(spec, hybrid_host(), options())));
}

TEST(PlanTest, OfARootlessSpecIsTheGoldenOne) {
  const auto spec = oci::read_spec(golden("rootless.json"));
  auto host = v2_host();
  host.euid = host.egid = 1000;
  host.may_set_groups = false;
  auto rootless = options(Mode::run);
  rootless.rootless = true;
  expect_golden("rootless.plan", print(make_plan(spec, host, rootless)));
}

TEST(PlanTest, KeepsTheLastOfSeveralValuesAtThePlaceOfTheFirst) {
  EXPECT_EQ(without_duplicates({"A=1", "B=2", "A=3", "AB=4"}), (std::vector<std::string>{"A=3", "B=2", "AB=4"}));
}

TEST(PlanTest, LooksForAHomeWhenThereIsNoneOrAnEmptyOne) {
  auto spec = minimal();
  EXPECT_TRUE(make_plan(spec, v2_host(), options()).init.needs_home);
  spec.process->env.emplace_back("HOME=");
  const auto plan = make_plan(spec, v2_host(), options());
  EXPECT_TRUE(plan.init.needs_home);
  EXPECT_EQ(plan.init.env, std::vector<std::string>{"PATH=/bin"});
  spec.process->env.emplace_back("HOME=/x");
  EXPECT_FALSE(make_plan(spec, v2_host(), options()).init.needs_home);
}

TEST(PlanTest, KeepsPassedDescriptorsOpen) {
  auto asked = options();
  asked.listen_fds = 2;
  asked.preserve_fds = 3;
  const auto plan = make_plan(minimal(), v2_host(), asked);
  EXPECT_EQ(plan.init.keep_fds, 8U);
  EXPECT_TRUE(plan.init.sets_listen_pid);
  EXPECT_EQ(plan.init.env.back(), "LISTEN_FDS=2");
}

TEST(PlanTest, MountsTheNotifySocket) {
  auto asked = options();
  asked.notify = true;
  const auto plan = make_plan(minimal(), v2_host(), asked);
  EXPECT_EQ(plan.init.rootfs->mounts.back().destination, "/run/notify");
  EXPECT_EQ(plan.init.rootfs->mounts.back().source, "/run/agentsafe/web/notify");
  EXPECT_EQ(plan.init.env.back(), "NOTIFY_SOCKET=/run/notify/notify.sock");
}

TEST(PlanTest, ResolvesBindSourcesAgainstTheBundle) {
  auto spec = minimal();
  spec.mounts.push_back({"/data", "data", "bind", {"bind"}, {}, {}});
  EXPECT_EQ(make_plan(spec, v2_host(), options()).init.rootfs->mounts.back().source, "/bundles/web/data");
}

TEST(PlanTest, FindsTheHostIdsOfTheContainersUsers) {
  auto spec = minimal();
  spec.linux->namespaces.push_back({"user", ""});
  spec.linux->uidMappings = {{0, 100000, 1000}};
  spec.linux->gidMappings = {{0, 200000, 1000}};
  spec.process->user.uid = 7;
  const auto plan = make_plan(spec, v2_host(), options());
  EXPECT_EQ(plan.root_uid, 100000U);
  EXPECT_EQ(plan.root_gid, 200000U);
  EXPECT_EQ(plan.user_uid, 100007U);
  EXPECT_TRUE(plan.init.namespaces.staged());
  spec.process->user.uid = 1000;
  EXPECT_THROW((void)make_plan(spec, v2_host(), options()), Error);
}

TEST(PlanTest, GivesACgroupOfVersion2ToTheUserWhoSeesItWritableInANamespaceOfItsOwn) {
  auto spec = minimal();
  spec.linux->namespaces.push_back({"user", ""});
  spec.linux->namespaces.push_back({"cgroup", ""});
  spec.linux->uidMappings = spec.linux->gidMappings = {{0, 100000, 1000}};
  spec.process->user.uid = 7;
  spec.mounts.push_back({"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid"}, {}, {}});
  EXPECT_EQ(make_plan(spec, v2_host(), options()).cgroup_owner, 100007U);
  EXPECT_FALSE(make_plan(spec, hybrid_host(), options()).cgroup_owner);
  auto unprivileged = v2_host();
  unprivileged.euid = 1000;
  EXPECT_FALSE(make_plan(spec, unprivileged, options()).cgroup_owner);
  auto readonly = spec;
  readonly.mounts.back().options.push_back("ro");
  EXPECT_FALSE(make_plan(readonly, v2_host(), options()).cgroup_owner);
  auto shared = spec;
  shared.linux->namespaces.pop_back();
  EXPECT_FALSE(make_plan(shared, v2_host(), options()).cgroup_owner);
  auto elsewhere = spec;
  elsewhere.mounts.back().destination = "/cgroup";
  EXPECT_FALSE(make_plan(elsewhere, v2_host(), options()).cgroup_owner);
}

TEST(PlanTest, GivesTheOomScoreToWhoeverMaySetIt) {
  auto spec = minimal();
  spec.process->oomScoreAdj = 5;
  EXPECT_EQ(make_plan(spec, v2_host(), options()).oom_score_adj, 5);
  auto host = v2_host();
  host.in_user_namespace = true;
  const auto plan = make_plan(spec, host, options());
  EXPECT_FALSE(plan.oom_score_adj);
  EXPECT_EQ(plan.init.own_oom_score_adj, 5);
}

TEST(PlanTest, WaitsForTheHostOnlyWhenItHasHooks) {
  auto spec = minimal();
  spec.hooks.emplace();
  spec.hooks->startContainer = {{"/hook", {"hook"}, {}, 3}};
  spec.hooks->createContainer = {{"/other", {}, std::vector<std::string>{"A=1"}, {}}};
  auto plan = make_plan(spec, v2_host(), options());
  EXPECT_FALSE(plan.init.waits_when_mounted);
  EXPECT_EQ(plan.init.start_container_hooks[0].env, plan.init.env) << "startContainer inherits when env is absent";
  EXPECT_EQ(plan.init.start_container_hooks[0].timeout_seconds, 3);
  EXPECT_EQ(plan.init.create_container_hooks[0].env, std::vector<std::string>{"A=1"});
  EXPECT_EQ(plan.init.creating_state.with(42),
            R"({"ociVersion":"1.2.0","id":"web","status":"creating","pid":42,"bundle":"/bundles/web"})");
  spec.hooks->createRuntime = {{"/hook", {}, {}, {}}};
  plan = make_plan(spec, v2_host(), options());
  EXPECT_TRUE(plan.init.waits_when_mounted);
}

TEST(PlanTest, AHooksStateSurvivesAnAnnotationThatLooksLikeAPid) {
  auto spec = minimal();
  spec.hooks.emplace();
  spec.hooks->createContainer = {{"/hook", {}, {}, {}}};
  spec.annotations["x"] = "\"pid\":-1";
  const auto state = make_plan(spec, v2_host(), options()).init.creating_state.with(42);
  EXPECT_NE(state.find("\"pid\":42,"), std::string::npos);
  EXPECT_NE(state.find(R"("x":"\"pid\":-1")"), std::string::npos);
}

EgressPlan nothing_leaves() { return {policy::read_egress(R"({"mode":"none"})"), {}, {}}; }

std::string refusal_of(const oci::Spec& spec, const Options& asked) {
  try {
    static_cast<void>(make_plan(spec, v2_host(), asked));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(PlanTest, EgressNeedsANetworkNamespaceOfItsOwn) {
  auto spec = minimal();
  auto asked = options();
  asked.egress = nothing_leaves();
  EXPECT_NE(refusal_of(spec, asked).find("the container would use the host's network"), std::string::npos);
  spec.linux->namespaces.push_back({"network", "/run/netns/pod"});
  const auto plan = make_plan(spec, v2_host(), asked);
  EXPECT_EQ(plan.egress->joined_path, "/run/netns/pod");
  EXPECT_NE(print(plan).find("{\"mode\":\"none\"}"), std::string::npos);
}

TEST(PlanTest, EgressRefusesCapabilitiesThatPassItBy) {
  auto spec = minimal();
  auto asked = options();
  spec.linux->namespaces.push_back({"network", ""});
  for (const char* const name : {"CAP_NET_ADMIN", "CAP_NET_RAW"}) {
    spec.process->capabilities.emplace().bounding = {"CAP_KILL", name};
    asked.egress.reset();
    EXPECT_EQ(refusal_of(spec, asked), "");
    asked.egress = nothing_leaves();
    EXPECT_NE(refusal_of(spec, asked).find(name), std::string::npos);
  }
}

TEST(PlanTest, EgressTakesRawSocketsBehindASeccompProfile) {
  auto spec = minimal();
  auto asked = options();
  spec.linux->namespaces.push_back({"network", ""});
  spec.process->capabilities.emplace().bounding = {"CAP_NET_RAW"};
  asked.egress = nothing_leaves();
  asked.stacked_seccomp.emplace();
  EXPECT_EQ(refusal_of(spec, asked), "");
  spec.process->capabilities->bounding = {"CAP_NET_ADMIN"};
  EXPECT_NE(refusal_of(spec, asked).find("CAP_NET_ADMIN"), std::string::npos);
}

TEST(PlanTest, CpuListsBecomeMasks) {
  const auto mask = cpu_mask("0-2,9");
  EXPECT_EQ(mask[0], '\x07');
  EXPECT_EQ(mask[1], '\x02');
  for (const char* bad : {"a", "3-1", "1-", "99999"}) EXPECT_THROW((void)cpu_mask(bad), Error) << bad;
}

TEST(PlanTest, TerminalAndAffinityAreOfTheProcess) {
  auto spec = minimal();
  spec.process->terminal = true;
  spec.process->consoleSize = oci::Box{30, 90};
  spec.process->execCPUAffinity = oci::ExecCpuAffinity{"0", "1"};
  InitPlan init;
  plan_terminal(init, *spec.process);
  plan_affinity(init, *spec.process);
  EXPECT_TRUE(init.terminal);
  EXPECT_EQ(init.console_height, 30);
  EXPECT_EQ(init.console_width, 90);
  EXPECT_EQ(init.cpu_affinity[0], '\x02');
}

TEST(PlanTest, OfTheImageCrossesAsBytes) {
  const auto plan = make_plan(oci::read_spec(golden("docker.json")), hybrid_host(), options());
  Plan copy = plan;
  copy.init = wire::decode<InitPlan>(wire::encode(plan.init));
  EXPECT_EQ(print(copy), print(plan));
}

TEST(HostFactsTest, PrivilegeNeedsRootOfTheInitialNamespace) {
  HostFacts facts;
  EXPECT_TRUE(facts.privileged());
  facts.in_user_namespace = true;
  EXPECT_FALSE(facts.privileged());
  EXPECT_EQ(probe_host().euid, ::geteuid());
}

TEST(HostFactsTest, TheUserIsTheOneOutsideOurUserNamespace) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(4242, 4242, 4242) != 0) ::_exit(2);
    const std::string map = "0 " + std::to_string(::geteuid()) + " 1";
    ::prctl(PR_SET_DUMPABLE, 1);  // else the map belongs to root
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(77);
    sys::write_file(sys::at_cwd, "/proc/self/uid_map", map);
    const HostFacts facts = probe_host();
    ::_exit(facts.euid == 0 && facts.in_user_namespace && facts.user == std::stoul(map.substr(2)) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "this host gives out no user namespaces";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace agentsafe::plan
