// config.json as text and back; the parts of it that callers hand over alone. Reading throws one Error that lists every
// violation with its path ("process: rlimits: 2: hard: expected an integer").
#pragma once
#include <string>
#include <string_view>

#include "oci/json.h"
#include "oci/linux_json.h"
#include "oci/spec.h"

namespace agentsafe::json {
using namespace agentsafe::oci;

template <>
inline constexpr auto fields<Root> = std::tuple{required("path", &Root::path), optional("readonly", &Root::readonly)};
template <>
inline constexpr auto fields<Mount> =
    std::tuple{required("destination", &Mount::destination), optional("source", &Mount::source),
               optional("type", &Mount::type), optional("options", &Mount::options),
               optional("uidMappings", &Mount::uidMappings), optional("gidMappings", &Mount::gidMappings)};
template <>
inline constexpr auto fields<Box> = std::tuple{required("height", &Box::height), required("width", &Box::width)};
template <>
inline constexpr auto fields<User> = std::tuple{required("uid", &User::uid), required("gid", &User::gid),
                                                optional("umask", &User::umask),
                                                optional("additionalGids", &User::additionalGids)};
template <>
inline constexpr auto fields<Capabilities> =
    std::tuple{optional("bounding", &Capabilities::bounding), optional("effective", &Capabilities::effective),
               optional("inheritable", &Capabilities::inheritable), optional("permitted", &Capabilities::permitted),
               optional("ambient", &Capabilities::ambient)};
template <>
inline constexpr auto fields<Rlimit> =
    std::tuple{required("type", &Rlimit::type), required("hard", &Rlimit::hard), required("soft", &Rlimit::soft)};
template <>
inline constexpr auto fields<Scheduler> =
    std::tuple{required("policy", &Scheduler::policy),     optional("nice", &Scheduler::nice),
               optional("priority", &Scheduler::priority), optional("flags", &Scheduler::flags),
               optional("runtime", &Scheduler::runtime),   optional("deadline", &Scheduler::deadline),
               optional("period", &Scheduler::period)};
template <>
inline constexpr auto fields<IoPriority> =
    std::tuple{required("class", &IoPriority::class_), optional("priority", &IoPriority::priority)};
template <>
inline constexpr auto fields<ExecCpuAffinity> =
    std::tuple{optional("initial", &ExecCpuAffinity::initial), optional("final", &ExecCpuAffinity::final_)};
template <>
inline constexpr auto fields<Process> = std::tuple{optional("terminal", &Process::terminal),
                                                   optional("consoleSize", &Process::consoleSize),
                                                   optional("user", &Process::user),
                                                   optional("args", &Process::args),
                                                   optional("env", &Process::env),
                                                   required("cwd", &Process::cwd),
                                                   optional("capabilities", &Process::capabilities),
                                                   optional("rlimits", &Process::rlimits),
                                                   optional("noNewPrivileges", &Process::noNewPrivileges),
                                                   optional("apparmorProfile", &Process::apparmorProfile),
                                                   optional("oomScoreAdj", &Process::oomScoreAdj),
                                                   optional("scheduler", &Process::scheduler),
                                                   optional("selinuxLabel", &Process::selinuxLabel),
                                                   optional("ioPriority", &Process::ioPriority),
                                                   optional("execCPUAffinity", &Process::execCPUAffinity)};
template <>
inline constexpr auto fields<Hook> = std::tuple{required("path", &Hook::path), optional("args", &Hook::args),
                                                optional("env", &Hook::env), optional("timeout", &Hook::timeout)};
template <>
inline constexpr auto fields<Hooks> =
    std::tuple{optional("prestart", &Hooks::prestart),
               optional("createRuntime", &Hooks::createRuntime),
               optional("createContainer", &Hooks::createContainer),
               optional("startContainer", &Hooks::startContainer),
               optional("poststart", &Hooks::poststart),
               optional("poststop", &Hooks::poststop)};
template <>
inline constexpr auto fields<Spec> =
    std::tuple{required("ociVersion", &Spec::ociVersion), optional("process", &Spec::process),
               optional("root", &Spec::root),             optional("hostname", &Spec::hostname),
               optional("domainname", &Spec::domainname), optional("mounts", &Spec::mounts),
               optional("hooks", &Spec::hooks),           optional("annotations", &Spec::annotations),
               optional("linux", &Spec::linux)};
}  // namespace agentsafe::json

namespace agentsafe::oci {

[[nodiscard]] Spec read_spec(std::string_view text);
[[nodiscard]] Process read_process(std::string_view text);
[[nodiscard]] Resources read_resources(std::string_view text);
[[nodiscard]] std::string to_json(const Spec& spec, unsigned indent = 0);

}  // namespace agentsafe::oci
