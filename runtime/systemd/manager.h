// systemd itself, over D-Bus: units started, changed and stopped. sd-bus of libsystemd does the talking; it is loaded
// when the first Manager is made (bridge/library.h), and each Manager is one connection. Source:
// org.freedesktop.systemd1(5).
//
//   systemd::Manager manager({.user = false});
//   manager.start_unit("agentsafe-web.scope", {{"PIDs", …}, {"Slice", text("system.slice")}});   // returns when it is
//   active manager.set_properties("agentsafe-web.scope", {{"TasksMax", number('t', 100)}});
//   manager.stop_unit("agentsafe-web.scope");                                                     // and forgets its
//   failure
//
// Throws Error with the method, the unit and systemd's own words.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runtime/bridge/library.h"
#include "runtime/systemd/value.h"

namespace agentsafe::systemd {

struct Where {
  bool user = false;        // the caller's own systemd, not the host's
  std::string session_bus;  // D-Bus address of the user's bus ("unix:path=/run/user/1000/bus"); "": the usual place
};

class Manager {
 public:
  // Throws when systemd does not run, its bus cannot be reached, or libsystemd cannot be loaded; with the remedy.
  explicit Manager(const Where& where);

  // StartTransientUnit. A unit of that name that has failed is reset, and one more attempt made.
  void start_unit(const std::string& unit, const std::vector<Property>& properties);
  // SetUnitProperties, for as long as the unit runs. systemd writes the cgroup's files a moment later: settle() waits.
  void set_properties(const std::string& unit, const std::vector<Property>& properties);
  void settle();
  // Moves processes, which this user may not move itself, into the unit's cgroup or below it. systemd 238.
  void attach(const std::string& unit, const std::string& subgroup, const std::vector<pid_t>& pids);
  // StopUnit and ResetFailedUnit. A unit that is gone is fine.
  void stop_unit(const std::string& unit);
  // The unit's cgroup, as in /proc/PID/cgroup: "/system.slice/agentsafe-web.scope"; "" when it has none.
  [[nodiscard]] std::string cgroup_of(const std::string& unit);
  // 257 of "257.13-1"; 0 when it cannot be told.
  [[nodiscard]] unsigned version();

 private:
  struct Call {
    std::string member;
    std::vector<Value> arguments;
    std::string path = "/org/freedesktop/systemd1";
    std::string interface = "org.freedesktop.systemd1.Manager";
    std::string destination = "org.freedesktop.systemd1";
    char answer = 0;  // the type of the answer that is wanted: o, or s inside a variant
    bool is_in_variant = false;
  };
  struct Reply {
    int result = 0;          // negative: -errno
    std::string error_name;  // "org.freedesktop.systemd1.UnitExists"
    std::string error_text;
    std::string answer;
    [[nodiscard]] bool is(std::string_view name) const { return error_name == name; }
  };
  bool try_connect(const std::string& address, bool is_bus, std::string& reason);
  void connect(const std::vector<std::pair<std::string, bool>>& addresses, const std::string& remedy);
  Reply call(const Call& call);
  std::string demand(const Call& call, const std::string& unit);
  void await_job(const std::string& job, const std::string& what);

  bridge::Library library_;
  bridge::Cell bus_, message_, reply_, error_, number_, text_, path_, unit_, result_;
  std::optional<unsigned> version_;
};

}  // namespace agentsafe::systemd
