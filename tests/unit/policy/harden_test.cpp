// What policies do to bundles.
#include "runtime/policy/harden.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "oci/spec_json.h"
#include "oci/validate.h"
#include "runtime/policy/explain.h"
#include "runtime/policy/fields.h"
#include "runtime/policy/sources.h"

namespace agentsafe::policy {
namespace {

// What an engine sends for a container of its defaults.
oci::Spec engine_spec() {
  return oci::read_spec(R"({"ociVersion": "1.0.2",
    "process": {"cwd": "/", "args": ["sh"], "env": ["PATH=/bin", "API_TOKEN=x"], "user": {"uid": 0, "gid": 0},
      "capabilities": {"bounding": ["CAP_CHOWN", "CAP_NET_RAW", "CAP_SYS_CHROOT"],
                       "effective": ["CAP_CHOWN", "CAP_NET_RAW"], "permitted": ["CAP_CHOWN", "CAP_NET_RAW"]},
      "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1048576, "soft": 1024}]},
    "root": {"path": "rootfs"},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
               {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["size=65536k"]},
               {"destination": "/workspace", "type": "bind", "source": "/srv/project", "options": ["rbind"]}],
    "linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"}],
      "maskedPaths": ["/proc/kcore"], "resources": {"memory": {"limit": 8589934592}, "pids": {"limit": 100}}}})");
}

Policy strict_with(std::initializer_list<std::pair<const char*, const char*>> keys = {}) {
  Policy policy = load({"/nowhere"}, "strict").policy;
  policy.cpus = 2000;
  for (const auto& [key, value] : keys) policy = read_one(key, value, policy);
  return policy;
}

Surroundings around() {
  Surroundings host;
  host.open_files = 524288;
  return host;
}

Hardened hard(const oci::Spec& spec, const Policy& policy) { return harden(spec, policy, around()); }

bool changes(const Hardened& of, std::string_view property) {
  return std::any_of(of.changes.begin(), of.changes.end(), [&](const Change& c) { return c.property == property; });
}

std::string refusals(const oci::Spec& spec, const Policy& policy, const Surroundings& host) {
  const auto of = harden(spec, policy, host);
  return of.refusals.empty() ? "" : describe(of.refusals, "strict");
}

void contains_text(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "in: " << text;
}

TEST(HardenTest, RefusesAnnotationsThatReachForTheHost) {
  for (const std::string name : {"hooks.stdout", "hooks.stderr", "seccomp.receiver", "pidfd_receiver",
                                 "seccomp_bpf_data", "keep_original_groups", "mount_context_type",
                                 "systemd.force_cgroup_v1"}) {
    auto spec = engine_spec();
    spec.annotations["run.oci." + name] = "/x";
    contains_text(refusals(spec, strict_with(), around()), "annotation run.oci." + name + ": leave it out");
    auto privileged = strict_with();
    privileged.privileged = true;
    EXPECT_EQ(refusals(spec, privileged, around()), "") << name;
  }
  auto spec = engine_spec();
  spec.annotations = {{"run.oci.keep_original_groups", "0"},
                      {"run.oci.mount_context_type", "context"},
                      {"run.oci.seccomp_fail_unknown_syscall", "1"},
                      {"run.oci.handler", "krun"}};
  EXPECT_EQ(refusals(spec, strict_with(), around()), "");
}

TEST(HardenTest, OciChangesNothing) {
  const auto spec = engine_spec();
  const auto of = hard(spec, Policy{});
  EXPECT_EQ(oci::to_json(of.spec), oci::to_json(spec));
  EXPECT_TRUE(of.changes.empty() && of.refusals.empty() && of.seccomp.empty() && !of.scratch);
}

TEST(HardenTest, IsIdempotentAndKeepsAValidSpecValid) {
  for (const char* rootfs : {"overlay", "readonly", "writable"}) {
    const Policy policy = strict_with(
        {{"fs.rootfs", rootfs}, {"fs.hidden", "/data"}, {"limits.shm", "1M"}, {"process.env_deny", "*_TOKEN"}});
    const auto once = hard(engine_spec(), policy);
    EXPECT_TRUE(once.refusals.empty());
    EXPECT_TRUE(oci::validate(once.spec).empty()) << oci::describe(oci::validate(once.spec));
    EXPECT_EQ(oci::to_json(hard(once.spec, policy).spec), oci::to_json(once.spec)) << rootfs;
  }
}

TEST(HardenTest, EveryRowHasAKeyOfThePolicyAndAReason) {
  for (const Row& row : hardenings()) {
    EXPECT_LT(find_field(row.key), fields().size()) << row.key;
    EXPECT_GT(row.why.size(), 20U) << row.key;
  }
}

TEST(HardenTest, EveryChangeOfStrictGoesAwayWithTheKeyThatRulesIt) {
  struct Case {
    const char* property;
    const char* key;
    const char* relaxed;
  };
  const Case cases[] = {{"process.capabilities.bounding", "process.capabilities", "ALL"},
                        {"process.noNewPrivileges", "process.no_new_privileges", "false"},
                        {"seccomp filter", "process.seccomp", "none"},
                        {"root", "fs.rootfs", "writable"},
                        {"mounts nosuid", "process.no_new_privileges", "false"},
                        {"mounts nodev", "privileged", "true"},
                        {"linux.namespaces", "privileged", "true"},
                        {"linux.maskedPaths", "privileged", "true"},
                        {"linux.resources.memory.limit", "limits.memory", "unlimited"},
                        {"linux.resources.memory.swap", "limits.swap", "unlimited"},
                        {"linux.resources.cpu.quota", "limits.cpus", "unlimited"},
                        {"process.rlimits RLIMIT_NOFILE", "limits.open_files", "unlimited"},
                        {"process.rlimits RLIMIT_CORE", "limits.core", "unlimited"}};
  for (const Case& one : cases) {
    EXPECT_TRUE(changes(hard(engine_spec(), strict_with()), one.property)) << one.property;
    EXPECT_FALSE(changes(hard(engine_spec(), strict_with({{one.key, one.relaxed}})), one.property)) << one.property;
  }
}

TEST(HardenTest, WhatTheBundleLimitsMoreTightlyStays) {
  const auto of = hard(engine_spec(), strict_with());
  EXPECT_EQ(of.spec.linux->resources->pids->limit, 100);
  EXPECT_EQ(of.spec.linux->resources->memory->limit, std::int64_t{4} << 30);
  EXPECT_EQ(of.spec.linux->resources->memory->swap, std::int64_t{4} << 30);
  EXPECT_EQ(of.spec.process->rlimits.front().soft, 1024U);
  EXPECT_EQ(of.spec.process->rlimits.front().hard, 65536U);
}

TEST(HardenTest, OnlyRootKeepsCapabilitiesInUse) {
  auto spec = engine_spec();
  EXPECT_EQ(hard(spec, strict_with()).spec.process->capabilities->effective, std::vector<std::string>{"CAP_CHOWN"});
  spec.process->user.uid = 1000;
  const auto sets = *hard(spec, strict_with()).spec.process->capabilities;
  EXPECT_TRUE(sets.effective.empty() && sets.permitted.empty());
  EXPECT_EQ(sets.bounding, std::vector<std::string>{"CAP_CHOWN"});
}

TEST(HardenTest, PrivilegedContainersAreRefused) {
  auto spec = engine_spec();
  spec.linux->resources->devices = {{.allow = true, .type = "a", .major = {}, .minor = {}, .access = "rwm"}};
  contains_text(refusals(spec, strict_with(), around()), "allows every device");
  EXPECT_EQ(refusals(spec, strict_with({{"privileged", "true"}}), around()), "");
  spec.linux->resources->devices.insert(spec.linux->resources->devices.begin(),
                                        {.allow = true, .type = "a", .access = "rwm"});
  spec.linux->resources->devices.back() = {.allow = false, .type = "a", .major = {}, .minor = {}, .access = "rwm"};
  EXPECT_EQ(refusals(spec, strict_with(), around()), "");
  spec.process->capabilities->bounding.emplace_back("CAP_SYS_ADMIN");
  EXPECT_EQ(refusals(spec, strict_with(), around()), "");
  spec.linux->maskedPaths.clear();
  contains_text(refusals(spec, strict_with(), around()), "CAP_SYS_ADMIN with no linux.maskedPaths");
}

TEST(HardenTest, HostNamespacesAreRefusedByNameAbsentOrJoined) {
  for (const char* type : {"pid", "ipc", "uts", "network"}) {
    auto spec = engine_spec();
    std::erase_if(spec.linux->namespaces, [&](const auto& ns) { return ns.type == type; });
    const std::string what = std::string("share the host's ") + type + " namespace";
    contains_text(refusals(spec, strict_with(), around()), what);
    EXPECT_EQ(refusals(spec, strict_with({{"host_namespaces", type}}), around()), "");
    auto host = around();
    host.host_namespaces = {type};
    contains_text(refusals(engine_spec(), strict_with(), host), what);
  }
  auto spec = engine_spec();
  std::erase_if(spec.linux->namespaces, [](const auto& ns) { return ns.type == "mount"; });
  contains_text(refusals(spec, strict_with(), around()), "share the host's mount namespace");
  auto host = around();
  host.host_namespaces = {"cgroup"};
  contains_text(refusals(engine_spec(), strict_with(), host), "the host's cgroup namespace");
}

TEST(HardenTest, EngineSocketsAreRefusedAndOthersNamed) {
  auto host = around();
  host.sockets = {{"/s", "/run/docker.sock", true}, {"/o", "/run/other.sock", false}};
  const auto of = harden(engine_spec(), strict_with(), host);
  ASSERT_EQ(of.refusals.size(), 1U);
  contains_text(of.refusals.front().what, "mount /s leads to /run/docker.sock");
  EXPECT_TRUE(
      std::any_of(of.notes.begin(), of.notes.end(), [](const auto& n) { return n.find("/run/other.sock") != n.npos; }));
  EXPECT_EQ(refusals(engine_spec(), strict_with({{"engine_sockets", "true"}}), host), "");
}

TEST(HardenTest, CredentialsInTheEnvironmentAreNamedAndTakenAwayWhenDenied) {
  const auto named = hard(engine_spec(), strict_with());
  EXPECT_TRUE(
      std::any_of(named.notes.begin(), named.notes.end(), [](const auto& n) { return n.find("API_TOKEN") != n.npos; }));
  const auto denied = hard(engine_spec(), strict_with({{"process.env_deny", "*_TOKEN"}}));
  EXPECT_EQ(denied.spec.process->env, std::vector<std::string>{"PATH=/bin"});
}

TEST(HardenTest, ReadonlyRootLeavesTheUsualPlacesWritable) {
  const auto of = hard(engine_spec(), strict_with({{"fs.rootfs", "readonly"}, {"fs.writable", "/var/cache"}}));
  EXPECT_TRUE(of.spec.root->readonly);
  EXPECT_FALSE(of.scratch);
  for (const char* place : {"/run", "/tmp", "/var/tmp", "/root", "/var/cache"})
    EXPECT_TRUE(changes(of, std::string("mounts ") + place)) << place;
}

TEST(HardenTest, SetuidProgramsAndDevicesOfMountsAreIgnored) {
  Surroundings host = around();
  host.device_mounts = {"/dev/fuse"};
  auto spec = engine_spec();
  spec.mounts.push_back({"/dev", "tmpfs", "tmpfs", {}, {}, {}});
  spec.mounts.push_back({"/dev/fuse", "/dev/fuse", "bind", {"bind"}, {}, {}});
  spec.mounts.push_back({"/data", "/srv", "bind", {"bind", "nosuid", "suid", "nodev"}, {}, {}});
  const auto of = harden(spec, strict_with(), host);
  const auto options = [&](std::size_t at) { return text::join(of.spec.mounts[at].options, ","); };
  EXPECT_EQ(options(2), "rbind,rnosuid,rnodev");  // with what is mounted below
  EXPECT_EQ(options(3), "nosuid");
  EXPECT_EQ(options(4), "bind,nosuid");
  EXPECT_EQ(options(5), "bind,nosuid,suid,nodev,nosuid");
  EXPECT_TRUE(of.nosuid_root && of.nodev_root);
  EXPECT_FALSE(hard(engine_spec(), strict_with()).nodev_root);  // its /dev lies in the root
}

TEST(HardenTest, ScratchIsHalfOfTheMemoryLimitUnlessGiven) {
  EXPECT_EQ(hard(engine_spec(), strict_with()).scratch->size, std::uint64_t{2} << 30);
  EXPECT_EQ(hard(engine_spec(), strict_with({{"fs.size", "1G"}})).scratch->size, std::uint64_t{1} << 30);
  auto spec = engine_spec();
  spec.root->readonly = true;
  EXPECT_FALSE(hard(spec, strict_with()).scratch);
}

TEST(HardenTest, ScratchOnDiskLiesInTheOperatorsFolderAndIsNotBoundToMemory) {
  Surroundings host = around();
  host.scratch_dir = "/var/lib/agentsafe/scratch";
  const auto on_disk = [&](std::initializer_list<std::pair<const char*, const char*>> keys) {
    Policy policy = read_one("fs.scratch", "disk", strict_with(keys));
    return harden(engine_spec(), policy, host);
  };
  const auto of = on_disk({});
  ASSERT_TRUE(of.scratch);
  EXPECT_EQ(of.scratch->disk, host.scratch_dir);
  EXPECT_EQ(of.scratch->size, std::uint64_t{4} << 30);
  EXPECT_EQ(on_disk({{"fs.size", "9G"}}).scratch->size, std::uint64_t{9} << 30);
  host.no_disk_scratch = "/x lies on tmpfs";
  contains_text(describe(on_disk({}).refusals, "strict"), "the scratch layer cannot be on disk: /x lies on tmpfs");
}

TEST(HardenTest, ScratchOnDiskIsRefusedWhereItsQuotaDoesNotHold) {
  Surroundings host = around();
  host.scratch_dir = "/var/lib/agentsafe/scratch";
  const auto refused = [&](std::initializer_list<std::pair<const char*, const char*>> keys, const char* why) {
    Policy policy = read_one("fs.scratch", "disk", strict_with(keys));
    auto spec = engine_spec();
    spec.process->capabilities->bounding.push_back("CAP_SYS_RESOURCE");
    return refusals(spec, policy, host).find(why) != std::string::npos;
  };
  EXPECT_FALSE(refused({{"process.userns", "on"}, {"process.seccomp", "none"}}, "fs.scratch"));
  host.no_own_ids = "this is a test";
  EXPECT_FALSE(refused({}, "fs.scratch"));
  EXPECT_TRUE(refused({{"process.seccomp", "none"}}, "could leave its quota"));
  EXPECT_TRUE(refused({{"process.capabilities", "SYS_RESOURCE"}}, "goes over the quota"));
}

TEST(HardenTest, SharedMemoryAndWorkspaceFollowThePolicy) {
  const auto of = hard(engine_spec(), strict_with({{"limits.shm", "1M"}}));
  EXPECT_EQ(of.spec.mounts[1].options, (std::vector<std::string>{"size=1048576", "nosuid", "nodev"}));
  EXPECT_FALSE(changes(hard(engine_spec(), strict_with({{"limits.shm", "64M"}})), "mounts /dev/shm size"));
  contains_text(refusals(engine_spec(), strict_with({{"fs.workspace.mode", "none"}}), around()), "is a workspace");
}

TEST(HardenTest, UpdatesStayWithinThePolicy) {
  oci::Resources now;
  now.memory = oci::Memory{.limit = std::int64_t{1} << 30};
  oci::Resources change;
  change.memory = oci::Memory{.limit = std::int64_t{64} << 30};
  change.pids = oci::Pids{.limit = -1};
  change.cpu = oci::Cpu{.quota = -1};
  const auto bounded = harden_update(change, now, strict_with(), around());
  EXPECT_EQ(bounded.memory->limit, std::int64_t{4} << 30);
  EXPECT_EQ(bounded.pids->limit, 512);
  EXPECT_EQ(bounded.cpu->quota, 200000);
  change = {};
  change.pids = oci::Pids{.limit = 7};
  EXPECT_EQ(harden_update(change, now, strict_with(), around()).pids->limit, 7);
  EXPECT_FALSE(harden_update(change, now, strict_with(), around()).memory);
}

TEST(ExplainTest, NamesOldValueNewValueRuleAndSource) {
  const Resolved strict = load({"/nowhere"}, "strict");
  const auto of = hard(engine_spec(), strict_with());
  const std::string text = explain(strict, of);
  contains_text(
      text, "process.noNewPrivileges: false -> true\n    rule process.no_new_privileges, from built-in policy strict");
  contains_text(
      explain_json(strict, of),
      R"("property":"process.noNewPrivileges","before":"false","after":"true","rule":"process.no_new_privileges","source":"built-in policy strict")");
  contains_text(explain(strict), "fs.rootfs: \"overlay\"");
}

TEST(PolicyHardenTest, OwnIdsReplaceTheCapabilityOverTheNetworkAndAreNotedWhereTheyCannotBe) {
  auto spec = engine_spec();
  spec.process->capabilities->bounding.emplace_back("CAP_NET_BIND_SERVICE");
  const auto hard = harden(spec, strict_with(), around());
  EXPECT_TRUE(hard.own_ids);
  EXPECT_EQ(hard.spec.linux->sysctl.at("net.ipv4.ip_unprivileged_port_start"), "0");
  EXPECT_FALSE(hard.spec.linux->sysctl.contains("net.ipv4.ping_group_range"));  // NET_RAW is taken away
  Surroundings host = around();
  host.no_own_ids = "because";
  EXPECT_FALSE(harden(spec, strict_with(), host).own_ids);
  EXPECT_EQ(harden(spec, strict_with({{"process.userns", "on"}}), host).refusals.size(), 1U);
  EXPECT_FALSE(harden(spec, strict_with({{"process.userns", "off"}}), around()).own_ids);
  spec.process->user.uid = 70000;
  EXPECT_FALSE(harden(spec, strict_with(), around()).own_ids);
}

// The value of a property of the network in explain; "": it is not there.
std::string network(const Policy& policy, const std::string& property) {
  for (const auto& change : network_changes(policy))
    if (change.property == "network " + property) return change.after;
  return {};
}

TEST(PolicyExplainTest, EveryPropertyOfTheNetworkIsNamed) {
  EXPECT_TRUE(network_changes(strict_with({{"egress.mode", "off"}})).empty());
  for (const auto* mode : {"none", "strict", "moderate", "open"}) {
    const auto policy = read_one("egress.mode", mode, strict_with());
    EXPECT_NE(network(policy, "out"), "") << mode;
    EXPECT_NE(network(policy, "never out to, unless internal").find("169.254.0.0/16"), std::string::npos);
    EXPECT_EQ(network(policy, "names").empty(), policy.egress_mode == "open");
  }
  auto policy = strict_with({{"egress.allow", "203.0.113.7:443"},
                             {"egress.internal", "10.0.0.0/8:5432"},
                             {"egress.deny", "203.0.113.9:*"},
                             {"egress.bytes", "2G"},
                             {"egress.connections", "200"},
                             {"ingress", "[8080]"}});
  EXPECT_EQ(network(policy, "out to"), "203.0.113.7:443");
  EXPECT_EQ(network(policy, "out to, though never public"), "10.0.0.0/8:5432");
  EXPECT_EQ(network(policy, "never out to"), "203.0.113.9:*");
  EXPECT_EQ(network(policy, "bytes out"), "2G");
  EXPECT_EQ(network(policy, "open connections"), "200");
  EXPECT_EQ(network(policy, "in"), "TCP and UDP to port 8080");
  EXPECT_EQ(network(read_one("ingress", "none", policy), "in"), "nothing");
  for (const auto& change : network_changes(policy)) EXPECT_LT(find_field(change.key), fields().size());
}

}  // namespace
}  // namespace agentsafe::policy
