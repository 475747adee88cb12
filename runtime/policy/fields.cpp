#include "runtime/policy/fields.h"

#include <algorithm>

namespace agentsafe::policy {
namespace {

constexpr std::string_view dest = "[\"203.0.113.0/24:8443\"]";
constexpr bool denials = true;

// capabilities(7)
constexpr std::string_view capability_words =
    "ALL|CHOWN|DAC_OVERRIDE|DAC_READ_SEARCH|FOWNER|FSETID|KILL|SETGID|SETUID|SETPCAP|LINUX_IMMUTABLE|"
    "NET_BIND_SERVICE|NET_BROADCAST|NET_ADMIN|NET_RAW|IPC_LOCK|IPC_OWNER|SYS_MODULE|SYS_RAWIO|SYS_CHROOT|"
    "SYS_PTRACE|SYS_PACCT|SYS_ADMIN|SYS_BOOT|SYS_NICE|SYS_RESOURCE|SYS_TIME|SYS_TTY_CONFIG|MKNOD|LEASE|"
    "AUDIT_WRITE|AUDIT_CONTROL|SETFCAP|MAC_OVERRIDE|MAC_ADMIN|SYSLOG|WAKE_ALARM|BLOCK_SUSPEND|AUDIT_READ|PERFMON|"
    "BPF|CHECKPOINT_RESTORE";

constexpr Field table[] = {
    {"ingress", Kind::ports, &Policy::ingress, "[8080]"},
    {"host_namespaces", Kind::names, &Policy::host_namespaces, "[\"pid\"]", "ipc|network|pid|uts"},
    {"privileged", Kind::permission, &Policy::privileged, "false"},
    {"engine_sockets", Kind::permission, &Policy::engine_sockets, "false"},

    {"egress.mode", Kind::word, &Policy::egress_mode, "\"strict\"", "none|strict|moderate|open|off"},
    {"egress.names", Kind::word, &Policy::egress_names, "\"relay\"", "relay|pin"},
    {"egress.presets", Kind::names, &Policy::egress_presets, "[\"pypi\"]",
     "anthropic|cargo|debian|git-ssh|github-https|go|maven|npm|openai|pypi|ubuntu"},
    {"egress.allow", Kind::destinations, &Policy::egress_allow, dest},
    {"egress.deny", Kind::destinations, &Policy::egress_deny, dest, {}, denials},
    {"egress.internal", Kind::destinations, &Policy::egress_internal, "[\"10.2.0.0/16:5432\"]"},
    {"egress.dns.local", Kind::names, &Policy::dns_local, "[\"db\"]"},
    {"egress.bytes", Kind::size, &Policy::egress_bytes, "\"2G\""},
    {"egress.connections", Kind::count, &Policy::egress_connections, "200"},

    {"fs.rootfs", Kind::word, &Policy::rootfs, "\"overlay\"", "readonly|overlay|writable"},
    {"fs.scratch", Kind::word, &Policy::scratch, "\"tmpfs\"", "tmpfs|disk"},
    {"fs.size", Kind::size, &Policy::scratch_size, "\"4G\""},
    {"fs.workspace.path", Kind::path, &Policy::workspace_path, "\"/workspace\""},
    {"fs.workspace.mode", Kind::word, &Policy::workspace_mode, "\"bind\"", "none|overlay|bind"},
    {"fs.writable", Kind::paths, &Policy::writable, "[\"/var/cache\"]"},
    {"fs.readonly", Kind::paths, &Policy::readonly, "[\"/data\"]", {}, denials},
    {"fs.hidden", Kind::paths, &Policy::hidden, "[\"/root/.ssh\"]", {}, denials},
    {"fs.protect", Kind::word, &Policy::protect, "\"none\"", "default|none"},

    {"limits.memory", Kind::size, &Policy::memory, "\"4G\""},
    {"limits.swap", Kind::size, &Policy::swap, "\"0\""},
    {"limits.shm", Kind::size, &Policy::shm, "\"64M\""},
    {"limits.cpus", Kind::cpus, &Policy::cpus, "1.5"},
    {"limits.pids", Kind::count, &Policy::pids, "512"},
    {"limits.wall", Kind::duration, &Policy::wall, "\"30m\""},
    {"limits.cpu_time", Kind::duration, &Policy::cpu_time, "\"1h\""},
    {"limits.open_files", Kind::count, &Policy::open_files, "65536"},
    {"limits.core", Kind::size, &Policy::core, "\"0\""},

    {"process.capabilities", Kind::names, &Policy::capabilities, "[\"CHOWN\"]", capability_words},
    {"process.seccomp", Kind::profile, &Policy::seccomp, "\"agent-default\"",
     "agent-offline|agent-default|agent-build|agent-browser|agent-nested|none"},
    {"process.no_new_privileges", Kind::restriction, &Policy::no_new_privileges, "true"},
    {"process.userns", Kind::word, &Policy::userns, "\"auto\"", "on|auto|off"},
    {"process.env_deny", Kind::names, &Policy::env_deny, "[\"*_TOKEN\"]", {}, denials},

    {"audit.mode", Kind::word, &Policy::audit_mode, "\"enforce\"", "enforce|audit"},
    {"audit.events", Kind::names, &Policy::audit_events, "[\"exec\"]", "dns|exec|file|net", denials},
    {"guard", Kind::rules, &Policy::guard, R"([{"on":"file.open","match":"/etc/shadow","do":"kill"}])", {}, denials},
};

}  // namespace

std::span<const Field> fields() { return table; }

std::size_t find_field(std::string_view key) {
  const auto found = std::find_if(std::begin(table), std::end(table), [&](const Field& row) { return row.key == key; });
  return static_cast<std::size_t>(found - std::begin(table));
}

}  // namespace agentsafe::policy
