#include "runtime/systemd/manager.h"

#include <unistd.h>

#include <cstring>
#include <thread>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/systemd/unit.h"

namespace agentsafe::systemd {
namespace {

using bridge::in;
using bridge::out;
using std::chrono::steady_clock;

constexpr const char* use_cgroupfs = "or use --cgroup-manager=cgroupfs";
constexpr std::chrono::seconds job_limit{30};
constexpr std::int64_t usual_timeout = 0;  // sd_bus_call: 25 s
constexpr std::uint64_t poll_usec = 1'000'000;
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";

bridge::Setting libsystemd() {
  return {.soname = "libsystemd.so.0",
          .remedy = std::string("install it (Debian: libsystemd0), ") + use_cgroupfs,
          .environment = {},
          .inherit = {}};
}

std::string bytes_of(const Value& value) {
  const auto as = [&](auto typed) { return std::string(reinterpret_cast<const char*>(&typed), sizeof typed); };
  switch (value.signature.front()) {
    case 'y': return as(static_cast<std::uint8_t>(value.bits));
    case 'n':
    case 'q': return as(static_cast<std::uint16_t>(value.bits));
    case 'b':
    case 'i':
    case 'h':
    case 'u': return as(static_cast<std::uint32_t>(value.bits));
    case 'x':
    case 't':
    case 'd': return as(value.bits);
    default: return value.text;
  }
}

void append(bridge::Steps& steps, bridge::Cell message, const Value& value) {
  const char type = value.signature.front();
  const auto inside = [&](char kind, std::string_view contents) {
    steps.call("sd_bus_message_open_container", {in(message), bridge::number(kind), bridge::text(contents)});
    for (const auto& item : value.items) append(steps, message, item);
    steps.call("sd_bus_message_close_container", {in(message)});
  };
  const std::string_view signature = value.signature;
  if (signature == "ay") {
    const auto size = static_cast<std::int64_t>(value.text.size());
    steps.call("sd_bus_message_append_array",
               {in(message), bridge::number('y'), bridge::text(value.text), bridge::number(size)});
  } else if (type == 'a') {
    inside('a', signature.substr(1));
  } else if (type == '(') {
    inside('r', signature.substr(1, signature.size() - 2));
  } else if (type == '{') {
    inside('e', signature.substr(1, signature.size() - 2));
  } else if (type == 'v') {
    inside('v', value.items.front().signature);
  } else {
    steps.call("sd_bus_message_append_basic", {in(message), bridge::number(type), bridge::text(bytes_of(value))});
  }
}

Value as_argument(const std::vector<Property>& properties) {
  std::vector<Value> items;
  items.reserve(properties.size());
  for (const auto& [name, value] : properties) items.push_back(structure({text(name), {"v", 0, {}, {value}}}));
  return array("(sv)", std::move(items));
}

bool systemd_runs() { return sys::try_fstatat(sys::at_cwd, "/run/systemd/system").has_value(); }  // sd_booted(3)

}  // namespace

Manager::Manager(const Where& where)
    : library_([&] {
        if (!where.user && !systemd_runs())
          fail(std::string("systemd does not run on this host (/run/systemd/system is missing): start it, ") +
               use_cgroupfs);
        return libsystemd();
      }()),
      bus_(library_.cell()),
      message_(library_.cell()),
      reply_(library_.cell()),
      error_(library_.cell(3)),
      number_(library_.cell()),
      text_(library_.cell()),
      path_(library_.cell()),
      unit_(library_.cell()),
      result_(library_.cell()) {
  if (!where.user) {
    connect({{"unix:path=/run/dbus/system_bus_socket", true}, {"unix:path=/run/systemd/private", false}},
            std::string("is dbus installed and running? Start it, ") + use_cgroupfs);
    return;
  }
  const std::string folder = "unix:path=/run/user/" + std::to_string(::geteuid());
  std::vector<std::pair<std::string, bool>> addresses;
  if (!where.session_bus.empty()) addresses.emplace_back(where.session_bus, true);
  addresses.emplace_back(folder + "/bus", true);
  addresses.emplace_back(folder + "/systemd/private", false);
  connect(addresses, std::string("has this user a session (loginctl enable-linger USER)? Start one, ") + use_cgroupfs);
}

void Manager::connect(const std::vector<std::pair<std::string, bool>>& addresses, const std::string& remedy) {
  std::string reasons;
  for (const auto& [address, is_bus] : addresses) {
    std::string reason;
    if (try_connect(address, is_bus, reason)) return;
    reasons += (reasons.empty() ? "" : "; ") + agentsafe::text::escaped(address) + ": " + reason;
  }
  fail("connect to systemd: " + reasons + "; " + remedy);
}

// The bus's queue of connections may be full for a moment: EAGAIN.
bool Manager::try_connect(const std::string& address, bool is_bus, std::string& reason) {
  constexpr int tries = 5;
  for (int attempt = 1; attempt <= tries; ++attempt) {
    bridge::Steps steps;
    steps.call("sd_bus_new", {out(bus_)}).call("sd_bus_set_address", {in(bus_), bridge::text(address)});
    if (is_bus) steps.call("sd_bus_set_bus_client", {in(bus_), bridge::number(1)});
    steps.call("sd_bus_start", {in(bus_)});
    int error = 0;
    try {
      library_.run(steps);
      if (!is_bus) return true;
      // The first call shows whether the bus takes us. JobRemoved is told to whoever started the job.
      const auto reply = call({.member = "AddMatch",
                               .arguments = {text("type='signal',sender='org.freedesktop.systemd1',path="
                                                  "'/org/freedesktop/systemd1',member='JobRemoved'")},
                               .path = "/org/freedesktop/DBus",
                               .interface = "org.freedesktop.DBus",
                               .destination = "org.freedesktop.DBus"});
      if (reply.result >= 0) return true;
      error = -reply.result;
    } catch (const Error& failure) {
      if (failure.error_number() == 0) throw;
      error = failure.error_number();
    }
    library_.run(bridge::Steps().call_any("sd_bus_close", {in(bus_)}));
    reason = errno_text(error);
    if (error != EAGAIN && error != ECONNRESET) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * attempt));
  }
  return false;
}

Manager::Reply Manager::call(const Call& call) {
  bridge::Steps steps;
  steps.call("sd_bus_message_new_method_call",
             {in(bus_), out(message_), bridge::text(call.destination), bridge::text(call.path),
              bridge::text(call.interface), bridge::text(call.member)});
  for (const auto& argument : call.arguments) append(steps, message_, argument);
  library_.run(steps);

  bridge::Steps asking;
  for (const auto cell : {reply_, text_})  // sd-bus leaves them alone when it fails
    asking.call_any("memset", {out(cell), bridge::number(0), bridge::number(sizeof(std::uint64_t))});
  asking.call_any("sd_bus_call", {in(bus_), in(message_), bridge::number(usual_timeout), out(error_), out(reply_)});
  asking.string(error_).string(bridge::Cell{static_cast<std::uint16_t>(error_.index + 1)});
  if (call.answer != 0) {
    if (call.is_in_variant)
      asking.call_any("sd_bus_message_enter_container",
                      {in(reply_), bridge::number('v'), bridge::text(std::string(1, call.answer))});
    asking.call_any("sd_bus_message_read_basic", {in(reply_), bridge::number(call.answer), out(text_)}).string(text_);
  }
  asking.call_any("sd_bus_error_free", {out(error_)});
  asking.call_any("sd_bus_message_unref", {in(message_)}).call_any("sd_bus_message_unref", {in(reply_)});
  const auto answer = library_.run(asking);
  return {answer.integer(2), answer.texts.at(0), answer.texts.at(1), call.answer != 0 ? answer.texts.at(2) : ""};
}

std::string Manager::demand(const Call& request, const std::string& unit) {
  auto reply = call(request);
  if (reply.result >= 0) return std::move(reply.answer);
  std::string why = reply.error_text.empty() ? errno_text(-reply.result) : agentsafe::text::escaped(reply.error_text);
  throw Error("systemd: " + request.member + " " + unit + ": " + why, -reply.result);
}

// The signals that came meanwhile were kept by sd-bus.
void Manager::await_job(const std::string& job, const std::string& what) {
  const auto deadline = steady_clock::now() + job_limit;
  while (steady_clock::now() < deadline) {
    bridge::Steps steps;
    steps.call("sd_bus_process", {in(bus_), out(message_)});
    steps.call_any("sd_bus_message_is_signal",
                   {in(message_), bridge::text(manager_interface), bridge::text("JobRemoved")});
    for (const auto& [type, cell] : {std::pair{'u', number_}, {'o', path_}, {'s', unit_}, {'s', result_}})
      steps.call_any("sd_bus_message_read_basic", {in(message_), bridge::number(type), out(cell)});
    const auto got = library_.run(steps);
    bridge::Steps rest;
    const bool is_signal = got.integer(1) > 0 && got.integer(5) > 0;
    if (is_signal) rest.string(path_).string(result_);
    rest.call_any("sd_bus_message_unref", {in(message_)});
    if (got.integer(0) == 0) rest.call("sd_bus_wait", {in(bus_), bridge::number(poll_usec)});
    const auto said = library_.run(rest);
    if (!is_signal || said.texts.at(0) != job) continue;
    if (said.texts.at(1) == "done") return;
    fail("systemd: " + what + ": the job ended with \"" + agentsafe::text::escaped(said.texts.at(1)) +
         "\" (journalctl -u tells more)");
  }
  fail("systemd: " + what + ": the job did not end within " + std::to_string(job_limit.count()) + " s");
}

void Manager::start_unit(const std::string& unit, const std::vector<Property>& properties) {
  const Call start{.member = "StartTransientUnit",
                   .arguments = {text(unit), text("replace"), as_argument(properties), array("(sa(sv))", {})},
                   .answer = 'o'};
  auto reply = call(start);
  if (reply.is("org.freedesktop.systemd1.UnitExists")) {
    call({.member = "ResetFailedUnit", .arguments = {text(unit)}});
    reply.answer = demand(start, unit);
  } else if (reply.result < 0) {
    const auto& why = reply.error_text;
    throw Error("systemd: StartTransientUnit " + unit + ": " +
                    (why.empty() ? errno_text(-reply.result) : agentsafe::text::escaped(why)),
                -reply.result);
  }
  await_job(reply.answer, "start " + unit);
}

void Manager::set_properties(const std::string& unit, const std::vector<Property>& properties) {
  if (properties.empty()) return;
  demand({.member = "SetUnitProperties", .arguments = {text(unit), boolean(true), as_argument(properties)}}, unit);
}

// systemd writes to cgroups from a queue, once a call is answered and before it takes the next one.
void Manager::settle() { call({.member = "Ping", .arguments = {}, .interface = "org.freedesktop.DBus.Peer"}); }

void Manager::attach(const std::string& unit, const std::string& subgroup, const std::vector<pid_t>& pids) {
  std::vector<Value> list;
  for (const pid_t pid : pids) list.push_back(number('u', static_cast<std::uint64_t>(pid)));
  demand({.member = "AttachProcessesToUnit",
          .arguments = {text(unit), text(subgroup.empty() ? "" : "/" + subgroup), array("u", std::move(list))}},
         unit);
}

void Manager::stop_unit(const std::string& unit) {
  const auto reply = call({.member = "StopUnit", .arguments = {text(unit), text("replace")}, .answer = 'o'});
  if (reply.is("org.freedesktop.systemd1.NoSuchUnit")) return;
  if (reply.result < 0) fail("systemd: StopUnit " + unit + ": " + agentsafe::text::escaped(reply.error_text));
  await_job(reply.answer, "stop " + unit);
  call({.member = "ResetFailedUnit", .arguments = {text(unit)}});  // gone by now, unless it has failed
}

std::string Manager::cgroup_of(const std::string& unit) {
  const std::string interface =
      std::string("org.freedesktop.systemd1.") + (unit.ends_with(".slice") ? "Slice" : "Scope");
  return demand({.member = "Get",
                 .arguments = {text(interface), text("ControlGroup")},
                 .path = object_path(unit),
                 .interface = "org.freedesktop.DBus.Properties",
                 .answer = 's',
                 .is_in_variant = true},
                unit);
}

unsigned Manager::version() {
  if (version_) return *version_;
  const auto reply = call({.member = "Get",
                           .arguments = {text(manager_interface), text("Version")},
                           .interface = "org.freedesktop.DBus.Properties",
                           .answer = 's',
                           .is_in_variant = true});
  const auto digit = reply.answer.find_first_of("0123456789");
  const auto rest = digit == std::string::npos ? std::string() : reply.answer.substr(digit);
  version_ = agentsafe::text::parse<unsigned>(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
  return *version_;
}

}  // namespace agentsafe::systemd
