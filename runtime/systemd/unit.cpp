#include "runtime/systemd/unit.h"

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::systemd {
namespace {

constexpr std::string_view slice_suffix = ".slice";
constexpr std::size_t longest_name = 255;
constexpr char hex[] = "0123456789abcdef";

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void append_hex(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += hex[byte >> 4];
  out += hex[byte & 15];
}

}  // namespace

std::string slice_path(std::string_view slice) {
  if (slice == "-" || slice == "-.slice") return {};
  const auto refuse = [&] {
    fail("invalid slice name: " + agentsafe::text::escaped(slice) +
         ": expected one such as a-b.slice, or - for the root");
  };
  if (!slice.ends_with(slice_suffix) || slice.find('/') != std::string_view::npos) refuse();
  const auto stem = slice.substr(0, slice.size() - slice_suffix.size());
  std::string path;
  std::string prefix;
  const auto parts = agentsafe::text::split(stem, '-');
  if (parts.empty()) refuse();
  for (const auto part : parts) {
    if (part.empty()) refuse();
    prefix += (prefix.empty() ? "" : "-") + std::string(part);
    path += "/" + prefix + std::string(slice_suffix);
  }
  return path;
}

std::string escape_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (is_alphanumeric(c) || std::string_view(":-_.\\@").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += "\\x";
      append_hex(out, c);
    }
  }
  return out;
}

void check_unit_name(std::string_view unit) {
  const auto stem = unit.substr(0, unit.rfind('.'));
  if (unit.size() > longest_name)
    fail("the unit " + std::string(unit.substr(0, 32)) +
         "… has a name of more than 255 bytes: shorten cgroupsPath or the id");
  if (stem.empty() || !(unit.ends_with(".scope") || unit.ends_with(slice_suffix)))
    fail("the unit \"" + agentsafe::text::escaped(unit) + "\" is neither a scope nor a slice");
}

std::string object_path(std::string_view unit) {
  std::string path = "/org/freedesktop/systemd1/unit/";
  for (std::size_t i = 0; i < unit.size(); ++i) {
    const bool leading_digit = i == 0 && unit[i] >= '0' && unit[i] <= '9';
    if (is_alphanumeric(unit[i]) && !leading_digit) {
      path += unit[i];
    } else {
      path += '_';
      append_hex(path, unit[i]);
    }
  }
  return path;
}

std::string user_manager_path(std::string_view own_cgroup, unsigned uid) {
  constexpr std::string_view start = "/user.slice/user-";
  const auto at = own_cgroup.find(start);
  std::string above = at == std::string_view::npos ? "" : std::string(own_cgroup.substr(0, at));
  std::string id = std::to_string(uid);
  if (at != std::string_view::npos) {
    const auto rest = own_cgroup.substr(at + start.size());
    id = rest.substr(0, rest.find(slice_suffix));
  }
  return above + std::string(start) + id + ".slice/user@" + id + ".service";
}

}  // namespace agentsafe::systemd
