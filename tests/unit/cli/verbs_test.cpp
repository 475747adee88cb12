// From the words of each command to its request.
#include <gtest/gtest.h>

#include "tests/unit/cli/fake_container.h"

namespace agentsafe::cli {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

class VerbsTest : public testing::Test {
 protected:
  void SetUp() override { fake() = {}; }
};

TEST_F(VerbsTest, CreatePassesEveryOption) {
  const Environment environment{
      .state_root = "/run/agentsafe", .listen_fds = 2, .inherited_fds = 6, .notify_socket = "/run/notify"};
  ASSERT_EQ(run({"create", "--bundle", "/b", "--config", "/c.json", "--console-socket", "/s", "--pidfd-socket", "/p",
                 "--pid-file", "/pid", "--no-pivot", "--no-new-keyring", "--preserve-fds", "4", "--detach", "web"},
                environment)
                .status,
            0);
  const auto& request = fake().created.value();
  EXPECT_EQ(request.id, "web");
  EXPECT_EQ(request.bundle, "/b");
  EXPECT_EQ(request.config, "/c.json");
  EXPECT_EQ(request.console_socket, "/s");
  EXPECT_EQ(request.pidfd_socket, "/p");
  EXPECT_EQ(request.pid_file, "/pid");
  EXPECT_TRUE(request.no_pivot);
  EXPECT_TRUE(request.no_new_keyring);
  EXPECT_EQ(request.preserve_fds, 4U);
  EXPECT_EQ(request.listen_fds, 2U);
  EXPECT_EQ(request.notify_socket, "/run/notify");
  EXPECT_FALSE(request.dry_run);
}

TEST_F(VerbsTest, CreateHasDefaults) {
  ASSERT_EQ(run({"create", "web"}).status, 0);
  EXPECT_EQ(fake().created->bundle, ".");
  EXPECT_EQ(fake().created->pid_file, "");
  EXPECT_FALSE(fake().created->no_pivot);
}

TEST_F(VerbsTest, CreateMakesThePidFileAbsolute) {
  ASSERT_EQ(run({"create", "--pid-file", "pid", "web"}).status, 0);
  EXPECT_TRUE(fake().created->pid_file.starts_with('/'));
}

TEST_F(VerbsTest, RefusesToPreserveDescriptorsThatAreNotOpen) {
  const Environment environment{.state_root = "/r", .listen_fds = 1, .inherited_fds = 2};
  EXPECT_EQ(run({"create", "--preserve-fds", "1", "web"}, environment).status, 0);
  const Outcome outcome = run({"create", "--preserve-fds", "2", "web"}, environment);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("descriptor 5 is not open"), std::string::npos);
  EXPECT_EQ(run({"exec", "--preserve-fds", "4294967295", "web", "ls"}, environment).status, 255);
  EXPECT_FALSE(fake().executed.has_value());
}

TEST_F(VerbsTest, RunAddsItsOwnOptions) {
  ASSERT_EQ(run({"run", "-d", "--keep", "--no-subreaper", "--dry-run", "-b", "/b", "web"}).status, 0);
  EXPECT_TRUE(fake().ran->detach);
  EXPECT_TRUE(fake().ran->keep);
  EXPECT_TRUE(fake().ran->no_subreaper);
  EXPECT_TRUE(fake().ran->dry_run);
  EXPECT_EQ(fake().ran->bundle, "/b");
}

TEST_F(VerbsTest, StartPassesTheNotifySocket) {
  ASSERT_EQ(run({"start", "web"}, {.state_root = "/r", .notify_socket = "/n"}).status, 0);
  EXPECT_EQ(fake().started->id, "web");
  EXPECT_EQ(fake().started->notify_socket, "/n");
}

TEST_F(VerbsTest, ExecPassesEveryOption) {
  ASSERT_EQ(run({"exec",
                 "--console-socket",
                 "/s",
                 "--pidfd-socket",
                 "/p",
                 "--cwd",
                 "/w",
                 "-e",
                 "A=1",
                 "--env",
                 "B=",
                 "-t",
                 "--user",
                 "1000:100",
                 "-g",
                 "5",
                 "--additional-gids",
                 "6",
                 "--detach",
                 "--pid-file",
                 "/pid",
                 "--process-label",
                 "label",
                 "--apparmor",
                 "profile",
                 "--no-new-privs",
                 "-c",
                 "CAP_KILL",
                 "--cap",
                 "CAP_CHOWN",
                 "--preserve-fds=1",
                 "--cgroup",
                 "/sub",
                 "--cgroup",
                 "cpu:x",
                 "--ignore-paused",
                 "web",
                 "ls",
                 "-l",
                 "--",
                 "--tty"},
                {.state_root = "/r", .inherited_fds = 1})
                .status,
            0);
  const auto& request = fake().executed.value();
  EXPECT_EQ(request.id, "web");
  EXPECT_EQ(request.args, (Words{"ls", "-l", "--", "--tty"}));
  EXPECT_EQ(request.console_socket, "/s");
  EXPECT_EQ(request.pidfd_socket, "/p");
  EXPECT_EQ(request.cwd, "/w");
  EXPECT_EQ(request.env, (Words{"A=1", "B="}));
  EXPECT_TRUE(request.tty);
  EXPECT_EQ(request.uid, 1000U);
  EXPECT_EQ(request.gid, 100U);
  EXPECT_EQ(request.additional_gids, (std::vector<std::uint32_t>{5, 6}));
  EXPECT_TRUE(request.detach);
  EXPECT_EQ(request.pid_file, "/pid");
  EXPECT_EQ(request.process_label, "label");
  EXPECT_EQ(request.apparmor, "profile");
  EXPECT_TRUE(request.no_new_privs);
  EXPECT_EQ(request.caps, (Words{"CAP_KILL", "CAP_CHOWN"}));
  EXPECT_EQ(request.preserve_fds, 1U);
  EXPECT_EQ(request.cgroups, (Words{"/sub", "cpu:x"}));
  EXPECT_TRUE(request.ignore_paused);
}

TEST_F(VerbsTest, ExecTakesAProcessFileInsteadOfACommand) {
  ASSERT_EQ(run({"exec", "--process", "/process.json", "--detach", "web"}).status, 0);
  EXPECT_EQ(fake().executed->process_file, "/process.json");
  EXPECT_EQ(fake().executed->uid, std::nullopt);
  EXPECT_EQ(fake().executed->cwd, std::nullopt);
  EXPECT_EQ(run({"exec", "web"}).status, 1);
}

TEST_F(VerbsTest, ExecRefusesUsersAndGroupsByName) {
  EXPECT_EQ(run({"exec", "--user", "root", "web", "ls"}).status, 1);
  EXPECT_EQ(run({"exec", "-g", "wheel", "web", "ls"}).status, 1);
  EXPECT_EQ(run({"exec", "--preserve-fds", "-1", "web", "ls"}).status, 1);
  EXPECT_FALSE(fake().executed.has_value());
}

TEST_F(VerbsTest, KillPassesTheSignalAsItIsWritten) {
  ASSERT_EQ(run({"kill", "web"}).status, 0);
  ASSERT_EQ(run({"kill", "--all", "web", "9"}).status, 0);
  ASSERT_EQ(run({"kill", "web", "-9"}).status, 0);
  EXPECT_EQ(fake().killed.at(0).signal, "SIGTERM");
  EXPECT_EQ(fake().killed.at(1).signal, "9");
  EXPECT_TRUE(fake().killed.at(1).all);
  EXPECT_EQ(fake().killed.at(2).signal, "-9");
}

TEST_F(VerbsTest, KillAndDeleteTakeARegularExpression) {
  for (const auto id : {"db", "web-1", "web-2"}) fake().containers.push_back({.id = id});
  ASSERT_EQ(run({"kill", "--regex", "^web-[0-9]+$", "KILL"}).status, 0);
  ASSERT_EQ(fake().killed.size(), 2U);
  EXPECT_EQ(fake().killed.at(1).id, "web-2");
  ASSERT_EQ(run({"delete", "-f", "--regex", "."}).status, 0);
  EXPECT_EQ(fake().removed.size(), 3U);
  EXPECT_TRUE(fake().removed.at(2).force);
  EXPECT_NE(run({"delete", "--regex", "("}).err.find("invalid regular expression"), std::string::npos);
}

TEST_F(VerbsTest, DeletePauseAndResumeNameTheContainer) {
  ASSERT_EQ(run({"delete", "web", "--force"}).status, 0);
  ASSERT_EQ(run({"pause", "web"}).status, 0);
  ASSERT_EQ(run({"resume", "web"}).status, 0);
  EXPECT_EQ(fake().removed.at(0).id, "web");
  EXPECT_TRUE(fake().removed.at(0).force);
  EXPECT_EQ(fake().paused, Words{"web"});
  EXPECT_EQ(fake().resumed, Words{"web"});
}

TEST_F(VerbsTest, StateAndListPrint) {
  fake().containers = {{.ociVersion = "1.3.0", .id = "web", .pid = 7, .status = "running"}};
  EXPECT_TRUE(run({"state", "web"}).out.starts_with("{\n  \"ociVersion\": \"1.3.0\",\n"));
  EXPECT_EQ(run({"list", "-q"}).out, "web\n");
  EXPECT_TRUE(run({"list"}).out.starts_with("ID "));
  EXPECT_NE(run({"list", "--format", "json"}).out.find("\"owner\":\"root\"}]\n"), std::string::npos);
  EXPECT_EQ(run({"list", "--format", "xml"}).status, 1);
  fake().containers[0].owner_uid = 4'294'000'000U;
  EXPECT_NE(run({"list", "-f=json"}).out.find("\"owner\":\"#4294000000\""), std::string::npos);
}

TEST_F(VerbsTest, PsPrintsProcessIdsAndTheLinesOfPs) {
  fake().pids = {1};
  EXPECT_EQ(run({"ps", "--format", "json", "web"}).out, "[1]\n");
  const Outcome table = run({"ps", "web", "-e", "-o", "pid"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_NE(table.out.find("PID\n"), std::string::npos);
  EXPECT_NE(table.out.find(" 1\n"), std::string::npos);
  EXPECT_NE(run({"ps", "web", "-e", "-o", "comm"}).err.find("no PID column"), std::string::npos);
}

TEST_F(VerbsTest, EgressShowsAndSets) {
  EXPECT_EQ(run({"egress", "show", "web"}).out, "shown\n");
  EXPECT_EQ(run({"egress", "show", "--json", "web"}).status, 0);
  EXPECT_EQ(run({"egress", "set", "web", "/dev/null"}).status, 0);
  EXPECT_EQ(fake().egress, (std::vector<std::string>{"show web", "show web json", "set web "}));
  EXPECT_EQ(run({"egress", "set", "web"}).status, 1);
  EXPECT_EQ(run({"egress", "forget", "web"}).status, 1);
  EXPECT_NE(run({"egress", "set", "web", "/missing"}).err.find("open /missing"), std::string::npos);
}

TEST_F(VerbsTest, WhyAnswersWhatTheRulesSay) {
  EXPECT_EQ(run({"why", "web", "connect", "192.0.2.7:443"}).out, "refused: not in egress.allow\n");
  EXPECT_EQ(fake().egress, std::vector<std::string>{"why web 192.0.2.7:443"});
  EXPECT_EQ(run({"why", "web", "open", "/x"}).out, "open web /x\n");
  EXPECT_EQ(run({"why", "web", "exec", "/x"}).out, "exec web /x\n");
  EXPECT_EQ(run({"why", "web", "capability", "NET_RAW"}).out, "capability web NET_RAW\n");
  EXPECT_EQ(run({"why", "web", "smile", "192.0.2.7:443"}).status, 1);
}

TEST_F(VerbsTest, EventsReadsItsIntervalAndPrintsLines) {
  fake().event_lines = {"{\"type\":\"stats\"}", "{\"type\":\"oom\"}"};
  EXPECT_EQ(run({"events", "web"}).out, "{\"type\":\"stats\"}\n{\"type\":\"oom\"}\n");
  EXPECT_EQ(fake().watched->interval, 5s);
  ASSERT_EQ(run({"events", "--stats", "--interval=250ms", "web"}).status, 0);
  EXPECT_EQ(fake().watched->interval, 250ms);
  EXPECT_TRUE(fake().watched->stats);
  for (const auto interval : {"0", "0s", "5", "soon"})
    EXPECT_EQ(run({"events", "--interval", interval, "web"}).status, 1);
}

TEST_F(VerbsTest, CheckpointPassesEveryOption) {
  ASSERT_EQ(run({"checkpoint", "--image-path", "/i", "--work-path", "/w", "--parent-path", "../p", "--leave-running",
                 "--tcp-established", "--tcp-skip-in-flight", "--tcp-close", "--link-remap", "--ext-unix-sk", "--shell-job",
                 "--lazy-pages", "--status-fd", "3", "--page-server", "[::1]:27", "--file-locks", "--pre-dump",
                 "--manage-cgroups-mode", "full", "--empty-ns", "network", "--auto-dedup", "--network-lock", "skip", "web"},
                {.path = "/bin"})
                .status,
            0);
  const auto& request = fake().checkpointed.value();
  EXPECT_EQ(request.id, "web");
  EXPECT_EQ(request.path, "/bin");
  EXPECT_EQ(request.image_path, "/i");
  EXPECT_EQ(request.work_path, "/w");
  EXPECT_EQ(request.parent_path, "../p");
  EXPECT_EQ(request.status_fd, 3);
  EXPECT_TRUE(request.pre_dump);
  const auto& options = request.options;
  for (const bool on : {options.leave_running, options.tcp_established, options.tcp_skip_in_flight, options.tcp_close,
                        options.link_remap, options.ext_unix_sk, options.shell_job, options.lazy_pages,
                        options.file_locks, options.auto_dedup})
    EXPECT_TRUE(on);
  EXPECT_EQ(options.page_server_address, "::1");
  EXPECT_EQ(options.page_server_port, 27);
  EXPECT_EQ(options.cgroup_mode, criu::CgroupMode::full);
  EXPECT_EQ(options.network_lock, criu::NetworkLock::skip);
}

TEST_F(VerbsTest, CheckpointRefusesWhatMakesNoSense) {
  EXPECT_EQ(run({"checkpoint", "--page-server", "host", "web"}).status, 1);
  EXPECT_EQ(run({"checkpoint", "--page-server", ":27", "web"}).status, 1);
  EXPECT_EQ(run({"checkpoint", "--page-server", "host:0", "web"}).status, 1);
  EXPECT_EQ(run({"checkpoint", "--empty-ns", "pid", "web"}).status, 1);
  EXPECT_EQ(run({"checkpoint", "--manage-cgroups-mode", "some", "web"}).status, 1);
  EXPECT_FALSE(fake().checkpointed.has_value());
}

TEST_F(VerbsTest, RestorePassesEveryOption) {
  fake().status = 7;
  ASSERT_EQ(run({"restore", "--image-path", "/i", "--work-path", "/w", "--detach", "--pid-file", "/pid", "--console-socket",
                 "/s", "--no-pivot", "-no-subreaper", "--tcp-established", "--tcp-close", "--file-locks", "--lsm-profile",
                 "selinux:x", "--lsm-mount-context", "c", "--bundle", "/b", "web"})
                .status,
            7);
  const auto& request = fake().restored.value();
  EXPECT_EQ(request.id, "web");
  EXPECT_EQ(request.bundle, "/b");
  EXPECT_EQ(request.pid_file, "/pid");
  EXPECT_EQ(request.console_socket, "/s");
  EXPECT_TRUE(request.detach && request.no_pivot && request.no_subreaper);
  EXPECT_EQ(request.criu.image_path, "/i");
  EXPECT_TRUE(request.criu.options.tcp_established && request.criu.options.tcp_close && request.criu.options.file_locks);
  EXPECT_EQ(request.criu.options.lsm_profile, "selinux:x");
  EXPECT_EQ(request.criu.options.lsm_mount_context, "c");
}

}  // namespace
}  // namespace agentsafe::cli
