#include "harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/mount/procfs.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"

namespace agentsafe::mount::test {
namespace {

constexpr int new_namespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;

std::string build(const RootfsPlan& plan, const Inside& inside, const Setting& setting) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Rootfs rootfs(plan);
  rootfs.populate();
  std::string said;
  if (setting.before_enter) said += setting.before_enter();
  UniqueFd proc = rootfs.take_proc();
  if (!proc) proc = private_proc();
  rootfs.enter();
  if (setting.before_seal) said += setting.before_seal();
  rootfs.seal();
  rootfs.verify(proc);
  return said + inside();
}

// The maps of a child that waits for them, as the runtime's parent writes them.
void write_maps(pid_t pid, const oci::Linux& linux) {
  const auto text = [](const auto& map) {
    std::string lines;
    for (const auto& row : map)
      lines +=
          std::to_string(row.containerID) + " " + std::to_string(row.hostID) + " " + std::to_string(row.size) + "\n";
    return lines;
  };
  const std::string proc = "/proc/" + std::to_string(pid);
  sys::write_file(sys::at_cwd, proc + "/uid_map", text(linux.uidMappings));
  sys::write_file(sys::at_cwd, proc + "/gid_map", text(linux.gidMappings));
}

}  // namespace

Folder::Folder() {
  char name[] = "/tmp/agentsafe-mount.XXXXXX";
  if (::mkdtemp(name) == nullptr) fail_errno("mkdtemp");
  path = name;
  ::chmod(name, 0755);
}

Folder::~Folder() {
  const auto remove = [](const char* name, const struct stat*, int, FTW*) { return ::remove(name); };
  ::nftw(path.c_str(), remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void make_folder(const std::string& path) {
  sys::mkdir_all(path, 0755);
  ::chmod(path.c_str(), 0755);
}

void write_text(const std::string& path, const std::string& text) {
  sys::write_all(sys::openat(sys::at_cwd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644), text);
}

std::string text_of(const std::string& path) { return sys::try_read_file(sys::at_cwd, path).value_or("missing"); }

std::string listing(const std::string& path) {
  auto names = sys::list_directory(sys::openat(sys::at_cwd, path, O_RDONLY | O_DIRECTORY));
  std::sort(names.begin(), names.end());
  return text::join(names, " ");
}

std::string mounted_at(const std::string& point) {
  const std::string table = sys::read_file(sys::at_cwd, "/proc/self/mountinfo");
  std::string found = "none";
  for (const auto line : text::lines(table)) {
    const auto fields = text::split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields[4] == point) found = std::string(fields[5]) + " " + std::string(dash[1]);
  }
  return found;
}

oci::Mount tmpfs(const std::string& destination, std::vector<std::string> options) {
  return {destination, "tmpfs", "tmpfs", std::move(options), {}, {}};
}

oci::Mount bind_mount(const std::string& source, const std::string& destination, std::vector<std::string> options) {
  return {destination, source, "bind", std::move(options), {}, {}};
}

oci::Spec container_in(const std::string& rootfs) {
  oci::Spec spec;
  spec.root = oci::Root{rootfs, false};
  spec.mounts = {
      {"/proc", "proc", "proc", {}, {}, {}},
      tmpfs("/dev", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      {"/dev/pts",
       "devpts",
       "devpts",
       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"},
       {},
       {}},
      tmpfs("/dev/shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}, {}, {}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}, {}, {}},
  };
  spec.linux.emplace();
  for (const char* type : {"mount", "pid", "ipc", "uts", "network", "cgroup"})
    spec.linux->namespaces.push_back({type, ""});
  return spec;
}

oci::Spec user_container_in(const std::string& rootfs) {
  oci::Spec spec = container_in(rootfs);
  spec.linux->namespaces.push_back({"user", ""});
  spec.linux->uidMappings = spec.linux->gidMappings = {{0, 100000, 65536}};
  return spec;
}

Outcome run(const oci::Spec& spec, const Inside& inside, Setting setting) {
  std::vector<std::string> warnings;
  const bool in_user_namespace = !spec.linux->uidMappings.empty();
  setting.facts.new_user_namespace = in_user_namespace;
  setting.facts.new_cgroup_namespace = true;
  sys::Pipe pipe = sys::pipe();
  sys::Pipe maps = sys::pipe();
  try {
    RootfsPlan plan = plan_rootfs(spec, setting.facts, warnings);
    const auto sources = open_sources(plan);
    const sys::CloneOptions options{.flags = static_cast<std::uint64_t>(new_namespaces) |
                                             (in_user_namespace ? std::uint64_t{CLONE_NEWUSER} : 0U)};
    const sys::Child child = sys::clone3(options, [&] {
      maps.write_end.reset();
      char byte = 0;
      (void)!::read(maps.read_end.get(), &byte, 1);
      if (in_user_namespace && (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)) return 2;
      std::string answer;
      try {
        answer = "+" + build(wire::decode<RootfsPlan>(wire::encode(plan)), inside, setting);
      } catch (const Error& error) {
        answer = "-" + error.message();
      }
      sys::write_all(pipe.write_end, answer);
      return 0;
    });
    if (in_user_namespace) write_maps(child.pid, *spec.linux);
    maps.write_end.reset();
    pipe.write_end.reset();
    const std::string answer = sys::read_all(pipe.read_end);
    const auto exit = sys::wait(child.pidfd);
    if (answer.empty()) return {"the child ended with status " + std::to_string(exit.status()), ""};
    return answer.front() == '+' ? Outcome{"", answer.substr(1)} : Outcome{answer.substr(1), ""};
  } catch (const Error& error) {
    return {error.message(), ""};
  }
}

}  // namespace agentsafe::mount::test
