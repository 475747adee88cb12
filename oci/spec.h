// An OCI config.json as values, in the order of the specification, with its names.
// Source: runtime-spec 1.3, config.md. Reading and writing: spec_json.h; checking: validate.h; linux.*: linux.h.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/linux.h"

namespace agentsafe::oci {

struct Root {  // config.md#root
  std::string path;  // absolute once bundle.h has loaded it
  bool readonly = false;
};

struct Mount {  // config.md#mounts
  std::string destination;
  std::string source;
  std::string type;
  std::vector<std::string> options;
  std::vector<IdMapping> uidMappings;
  std::vector<IdMapping> gidMappings;
};

struct Box {  // consoleSize
  std::uint16_t height = 0;
  std::uint16_t width = 0;
};

struct User {  // config.md#posix-platform-user
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;
  std::vector<std::uint32_t> additionalGids;
};

struct Capabilities {  // config.md#linux-process
  std::vector<std::string> bounding;
  std::vector<std::string> effective;
  std::vector<std::string> inheritable;
  std::vector<std::string> permitted;
  std::vector<std::string> ambient;
};

struct Rlimit {  // config.md#posix-process
  std::string type;
  std::uint64_t hard = 0;
  std::uint64_t soft = 0;
};

struct Scheduler {
  std::string policy;
  std::int32_t nice = 0;
  std::int32_t priority = 0;
  std::vector<std::string> flags;
  std::uint64_t runtime = 0;   // nanoseconds, as deadline and period
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

struct IoPriority {
  std::string class_;  // "class" in JSON
  std::int32_t priority = 0;
};

struct ExecCpuAffinity {
  std::string initial;
  std::string final_;  // "final" in JSON
};

struct Process {  // config.md#process
  bool terminal = false;
  std::optional<Box> consoleSize;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::optional<Capabilities> capabilities;
  std::vector<Rlimit> rlimits;
  bool noNewPrivileges = false;
  std::string apparmorProfile;
  std::optional<std::int32_t> oomScoreAdj;
  std::optional<Scheduler> scheduler;
  std::string selinuxLabel;
  std::optional<IoPriority> ioPriority;
  std::optional<ExecCpuAffinity> execCPUAffinity;
};

struct Hook {  // config.md#posix-platform-hooks
  std::string path;
  std::vector<std::string> args;
  // Absent and empty differ for startContainer: absent inherits the container's environment.
  std::optional<std::vector<std::string>> env;
  std::optional<std::int64_t> timeout;  // seconds
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> createRuntime;
  std::vector<Hook> createContainer;
  std::vector<Hook> startContainer;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

struct Spec {
  std::string ociVersion;
  std::optional<Root> root;
  std::vector<Mount> mounts;
  std::optional<Process> process;
  std::string hostname;
  std::string domainname;
  std::optional<Hooks> hooks;
  std::map<std::string, std::string> annotations;
  std::optional<Linux> linux;
};

}  // namespace agentsafe::oci
