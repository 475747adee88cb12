// Where policies come from: built-in, the operator's folder, files, annotations.
#include "runtime/policy/sources.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/base/error.h"
#include "runtime/policy/fields.h"
#include "runtime/policy/presets.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::policy {
namespace {

template <class Body>
std::string error_of(Body body) {
  try {
    static_cast<void>(body());
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

class PolicySourcesTest : public testing::Test {
 protected:
  PolicySourcesTest() : folder_(::mkdtemp(template_)) { ::mkdir((folder_ + "/policies").c_str(), 0755); }
  ~PolicySourcesTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  void install(const std::string& name, const std::string& members) {
    write("policies/" + name + ".json", "{\"version\":1" + members + "}");
  }
  [[nodiscard]] Places places() const { return {folder_}; }
  Resolved resolved(const std::map<std::string, std::string>& annotations,
                    std::optional<std::string> given = "strict") {
    oci::Spec spec;
    spec.annotations = annotations;
    return resolve(places(), given, spec, {.cpus = 4});
  }
  std::string refusal(const std::map<std::string, std::string>& annotations) {
    return error_of([&] { return resolved(annotations); });
  }
  std::string source_of(const Resolved& of, std::string_view key) { return of.sources[find_field(key)]; }
  void as_operator(const std::string& members) { write("config.json", "{\"version\":1" + members + "}"); }

 private:
  char template_[40] = "/tmp/agentsafe-policy-XXXXXX";
  std::string folder_;
};

void contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "in: " << text;
}

TEST_F(PolicySourcesTest, BuiltInPoliciesDifferFromStrictInEgressAlone) {
  const Policy strict = load(places(), "strict").policy;
  for (const char* name : {"moderate", "open"}) {
    Policy other = load(places(), name).policy;
    EXPECT_EQ(other.egress_mode, name);
    other.egress_mode = strict.egress_mode;
    EXPECT_EQ(other, strict);
  }
  EXPECT_EQ(load(places(), "oci").policy, Policy{});
}

TEST_F(PolicySourcesTest, StrictIsNarrowerThanEveryOtherBuiltInPolicy) {
  for (const Preset& preset : presets()) {
    Policy other = load(places(), std::string(preset.name)).policy;
    EXPECT_TRUE(narrower_or_equal(load(places(), "strict").policy, other)) << preset.name;
  }
}

TEST_F(PolicySourcesTest, FileWithoutExtendsExtendsStrict) {
  install("web", R"(,"limits":{"memory":"2G"})");
  const Resolved web = load(places(), "web");
  EXPECT_EQ(web.policy.memory, std::uint64_t{2} << 30);
  EXPECT_EQ(web.policy.rootfs, "overlay");
  contains(source_of(web, "limits.memory"), "policies/web.json");
  EXPECT_EQ(source_of(web, "fs.rootfs"), "built-in policy strict");
  EXPECT_EQ(source_of(web, "limits.wall"), "built-in policy oci");
}

TEST_F(PolicySourcesTest, ExtendsChainsApplyFromTheBaseOn) {
  install("a", R"(,"extends":"b","limits":{"pids":10})");
  install("b", R"(,"extends":"oci","limits":{"pids":20,"memory":"1G"})");
  const Policy a = load(places(), "a").policy;
  EXPECT_EQ(a.pids, 10U);
  EXPECT_EQ(a.memory, std::uint64_t{1} << 30);
  EXPECT_EQ(a.rootfs, "writable");
}

TEST_F(PolicySourcesTest, ExtendsCirclesAreNamed) {
  install("a", R"(,"extends":"b")");
  install("b", R"(,"extends":"a")");
  contains(error_of([&] { return load(places(), "a"); }), "in a circle: a -> b -> a");
  install("self", R"(,"extends":"self")");
  contains(error_of([&] { return load(places(), "self"); }), "self -> self");
}

TEST_F(PolicySourcesTest, UnknownNamesAndBasesAreNamed) {
  contains(error_of([&] { return load(places(), "webb"); }), "there is no policy \"webb\"");
  install("web", R"(,"extends":"nothing")");
  contains(error_of([&] { return load(places(), "web"); }), "there is no policy \"nothing\"");
  install("web", R"(,"extends":"../../etc/x")");
  contains(error_of([&] { return load(places(), "web"); }), "extends: expected the name of a policy");
  contains(error_of([&] { return canonical_name("we b", "/"); }), "expected the name of a policy or the path");
}

TEST_F(PolicySourcesTest, FilesThatOthersCanWriteAreRefused) {
  const auto group = write("policies/group.json", "{\"version\":1}", 0664);
  contains(error_of([&] { return load(places(), "group"); }), "chmod go-w " + group);
  const auto all = write("all.json", "{\"version\":1}", 0646);
  contains(error_of([&] { return load(places(), all); }), "chmod go-w " + all);
}

TEST_F(PolicySourcesTest, FilesOfAnotherUserAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  install("web", "");
  const auto path = places().folder + "/policies/web.json";
  ASSERT_EQ(::chown(path.c_str(), 1234, 0), 0);
  contains(error_of([&] { return load(places(), "web"); }), "belongs to the user 1234");
  contains(error_of([&] { return load(places(), path); }), "belongs to the user 1234");
}

// As rootless podman runs us: in a user namespace that has no number for the host's root.
class PolicyInUserNamespaceTest : public PolicySourcesTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    install("web", "");
    path_ = places().folder + "/policies/web.json";
  }
  std::string error_within(const std::string& uid_map = "0 1000 1\n1234 1234 1\n") {
    const UniqueFd user_namespace = sys::user_namespace(uid_map, "0 0 1\n");
    auto report = sys::pipe();
    const auto child = sys::clone3({}, [&] {
      sys::setns(user_namespace, CLONE_NEWUSER);
      sys::write_all(report.write_end, error_of([&] { return load(places(), "web"); }));
      return 0;
    });
    report.write_end.reset();
    EXPECT_EQ(sys::wait(child.pidfd).status(), 0);
    return sys::read_all(report.read_end, 4096);
  }
  std::string path_;
};

TEST_F(PolicyInUserNamespaceTest, FilesOfTheHostsRootAreTrusted) { EXPECT_EQ(error_within(), ""); }

TEST_F(PolicyInUserNamespaceTest, FilesOfANumberThatItHasAreRefused) {
  ASSERT_EQ(::chown(path_.c_str(), 1234, 0), 0);
  contains(error_within(), "belongs to the user 1234");
}

TEST_F(PolicyInUserNamespaceTest, FilesOfUsersWithoutANumberAreRefusedWhereRootHasOne) {
  ASSERT_EQ(::chown(path_.c_str(), 1234, 0), 0);
  contains(error_within("0 0 1\n"), "belongs to the user 65534");
}

TEST_F(PolicyInUserNamespaceTest, FilesThatOthersCanWriteAreRefused) {
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  contains(error_within(), "chmod go-w");
}

TEST_F(PolicySourcesTest, TheOverflowNumberItselfIsNobodyElsewhere) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  install("web", "");
  ASSERT_EQ(::chown((places().folder + "/policies/web.json").c_str(), 65534, 0), 0);
  contains(error_of([&] { return load(places(), "web"); }), "belongs to the user 65534");
}

TEST_F(PolicySourcesTest, OnlyRegularFilesAreRead) {
  const std::string fifo = places().folder + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  contains(error_of([&] { return load(places(), fifo); }), "is not a regular file");
  contains(error_of([&] { return load(places(), places().folder); }), "is not a regular file");
}

TEST_F(PolicySourcesTest, BuiltInNamesCannotBeReplaced) {
  install("strict", R"(,"extends":"oci")");
  contains(error_of([&] { return load(places(), "strict"); }), "has the name of a built-in policy");
}

TEST_F(PolicySourcesTest, OperatorsDefaultHoldsWithoutAGivenPolicy) {
  EXPECT_EQ(resolved({}, std::nullopt).name, "strict");
  EXPECT_EQ(resolved({}, "oci").policy, Policy{});
  as_operator(R"(,"default_policy":"oci")");
  EXPECT_EQ(resolved({}, std::nullopt).policy, Policy{});
  EXPECT_EQ(resolved({}, "strict").policy.rootfs, "overlay");
}

TEST_F(PolicySourcesTest, OperatorsConfigRefusesWhatItDoesNotKnow) {
  const auto refusal_of = [&](const std::string& members) {
    as_operator(members);
    return error_of([&] { return read_operator(places()); });
  };
  contains(refusal_of(R"(,"polcy":"x")"), "polcy: there is no such key");
  contains(refusal_of(R"(,"allow_widen":["limits.mem"])"), "allow_widen: there is no key \"limits.mem\"");
  contains(refusal_of(R"(,"allow_widen":"policy")"), "allow_widen: expected a list");
  contains(refusal_of(R"(,"log_dir":"log")"), "log_dir: expected an absolute path");
  contains(refusal_of(R"(,"scratch_dir":"disk")"), "scratch_dir: expected an absolute path");
  write("config.json", "{}");
  contains(error_of([&] { return read_operator(places()); }), "version: expected the number 1");
  write("config.json", "{\"version\":1}", 0666);
  contains(error_of([&] { return read_operator(places()); }), "chmod go-w");
}

TEST_F(PolicySourcesTest, AnnotationsNarrow) {
  const Resolved chosen = resolved({{"org.agentsafe.limits.memory", "1G"}, {"org.agentsafe.fs.hidden", "/data,/srv"}});
  EXPECT_EQ(chosen.policy.memory, std::uint64_t{1} << 30);
  EXPECT_EQ(chosen.policy.hidden, (Words{"/data", "/srv"}));
  EXPECT_EQ(source_of(chosen, "limits.memory"), "annotation org.agentsafe.limits.memory");
}

TEST_F(PolicySourcesTest, AnnotationsThatWouldWidenNameKeyAndAllowWiden) {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"limits.memory", "8G"},
                                                                     {"privileged", "true"},
                                                                     {"process.no_new_privileges", "false"},
                                                                     {"process.seccomp", "agent-nested"},
                                                                     {"host_namespaces", "pid"},
                                                                     {"egress.allow", "192.0.2.1:443"},
                                                                     {"fs.rootfs", "writable"},
                                                                     {"process.capabilities", "CHOWN,NET_RAW"}}) {
    const std::string message = refusal({{"org.agentsafe." + key, value}});
    contains(message, "annotation org.agentsafe." + key + ": it would widen the policy strict");
    contains(message, "\"" + key + "\" in allow_widen");
  }
}

TEST_F(PolicySourcesTest, OperatorLetsAnnotationsWidenTheKeysHeLists) {
  as_operator(R"(,"allow_widen":["limits.memory"])");
  EXPECT_EQ(resolved({{"org.agentsafe.limits.memory", "8G"}}).policy.memory, std::uint64_t{8} << 30);
  contains(refusal({{"org.agentsafe.limits.pids", "1000000"}}), "would widen");
}

TEST_F(PolicySourcesTest, PolicyAnnotationNarrowsUnlessTheOperatorLetsItSelect) {
  install("small", R"(,"limits":{"memory":"1G","pids":100000})");
  const auto annotation = std::map<std::string, std::string>{{"org.agentsafe.policy", "small"}};
  EXPECT_EQ(resolved(annotation).policy.memory, std::uint64_t{1} << 30);
  EXPECT_EQ(resolved(annotation).policy.pids, 512U);
  EXPECT_EQ(source_of(resolved(annotation), "limits.memory"), "annotation org.agentsafe.policy");
  as_operator(R"(,"allow_widen":["policy"])");
  EXPECT_EQ(resolved(annotation).policy.pids, 100000U);
  contains(refusal({{"org.agentsafe.policy", "/tmp/x.json"}}), "is not the name of a policy");
}

TEST_F(PolicySourcesTest, UnknownAndMalformedAnnotationsAreRefused) {
  contains(refusal({{"org.agentsafe.limits.mem", "1G"}}), "org.agentsafe.limits.mem: there is no such key");
  contains(refusal({{"org.agentsafe.limits.memory", "1X"}}), "a right value is \"4G\"");
  EXPECT_EQ(refusal({{"com.example.limits", "1X"}}), "");
}

TEST_F(PolicySourcesTest, HalfAndAutoStandForTheHostAndTheSpec) {
  EXPECT_EQ(resolved({}).policy.cpus, 2000U);
  EXPECT_TRUE(resolved({}).policy.ingress.empty());
  EXPECT_EQ(resolved({{"io.kubernetes.cri.container-type", "container"}}).policy.ingress, Words{"engine"});
}

}  // namespace
}  // namespace agentsafe::policy
