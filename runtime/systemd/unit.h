// Names of systemd's units, and where their cgroups lie. Pure.
// Source: systemd.unit(5), systemd.slice(5), systemd-escape(1), the D-Bus API's object paths
// (org.freedesktop.systemd1(5)).
#pragma once
#include <string>
#include <string_view>

namespace agentsafe::systemd {

// "a-b-c.slice" → "/a.slice/a-b.slice/a-b-c.slice"; "-.slice" and "-" → "". Throws "invalid slice name …".
[[nodiscard]] std::string slice_path(std::string_view slice);

// A unit's name of any text: what names may not hold becomes \xNN, as systemd-escape does ("a+b" → "a\x2bb").
[[nodiscard]] std::string escape_name(std::string_view name);

// Throws when systemd would refuse it: longer than 255 bytes, or not NAME.scope and not NAME.slice.
void check_unit_name(std::string_view unit);

// "a.scope" → "/org/freedesktop/systemd1/unit/a_2escope".
[[nodiscard]] std::string object_path(std::string_view unit);

// Where the cgroups of a user's systemd start, from the cgroup of one of the user's processes and the uid:
// "/user.slice/user-1000.slice/session-3.scope" → "/user.slice/user-1000.slice/user@1000.service".
[[nodiscard]] std::string user_manager_path(std::string_view own_cgroup, unsigned uid);

}  // namespace agentsafe::systemd
