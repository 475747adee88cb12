#include "runtime/container/record_json.h"

#include "oci/linux_json.h"
#include "runtime/base/error.h"
#include "runtime/base/hash.h"
#include "runtime/cgroup/plan_json.h"
#include "runtime/cgroup/resctrl_json.h"

namespace agentsafe::json {
template <>
inline constexpr auto fields<container::SharedNetwork> = std::tuple{
    required("path", &container::SharedNetwork::path), required("inode", &container::SharedNetwork::inode)};
template <>
inline constexpr auto fields<container::HostsMounts> = std::tuple{
    required("inode", &container::HostsMounts::inode), required("below", &container::HostsMounts::below)};
template <>
inline constexpr auto fields<container::Record> = std::tuple{required("version", &container::Record::version),
                                                  required("ociVersion", &container::Record::ociVersion),
                                                  required("id", &container::Record::id),
                                                  required("bundle", &container::Record::bundle),
                                                  required("rootfs", &container::Record::rootfs),
                                                  required("created", &container::Record::created),
                                                  required("owner", &container::Record::owner),
                                                  required("policy", &container::Record::policy),
                                                  optional("effectivePolicy", &container::Record::effectivePolicy),
                                                  required("pid", &container::Record::pid),
                                                  required("startTime", &container::Record::startTime),
                                                  required("pidfdInode", &container::Record::pidfdInode),
                                                  required("bootId", &container::Record::bootId),
                                                  required("cgroup", &container::Record::cgroup),
                                                  required("cgroupIsOurs", &container::Record::cgroupIsOurs),
                                                  required("ownPidNamespace", &container::Record::ownPidNamespace),
                                                  required("rootless", &container::Record::rootless),
                                                  optional("hostsMounts", &container::Record::hostsMounts),
                                                  optional("firstId", &container::Record::firstId),
                                                  optional("scratch", &container::Record::scratch),
                                                  optional("restored", &container::Record::restored),
                                                  optional("egress", &container::Record::egress),
                                                  optional("egressPending", &container::Record::egressPending),
                                                  optional("sharedNetwork", &container::Record::sharedNetwork),
                                                  optional("intelRdt", &container::Record::intelRdt),
                                                  optional("resources", &container::Record::resources),
                                                  optional("annotations", &container::Record::annotations)};
}  // namespace agentsafe::json

namespace agentsafe::container {

namespace {

constexpr std::string_view checksum_key = "{\"checksum\":\"";
constexpr std::size_t checksum_digits = 16;
constexpr std::size_t prefix_size = checksum_key.size() + checksum_digits + 2;  // "…",
constexpr const char* remedy = ": remove the container with delete --force";

// Of the text without it: "{", and what follows the comma.
std::string checksum_of(std::string_view members) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(checksum_digits, '0');
  std::uint64_t hash = fnv1a(members);
  for (auto digit = text.rbegin(); hash != 0; hash >>= 4) *digit++ = digits[hash & 15];
  return text;
}

std::string with_checksum(std::string_view members) {
  return std::string(checksum_key).append(checksum_of(members)).append("\",").append(members);
}

[[noreturn]] void refuse_version(std::string_view version) {
  fail("the state is of version " + std::string(version) + ", which another agentsafe has written" + remedy);
}

}  // namespace

std::string to_json(const Record& record) { return with_checksum(std::string_view(json::write(record)).substr(1)); }

Record read_record(std::string_view text) {
  if (text.starts_with(R"({"version":1,)")) refuse_version("1");
  if (text.size() < prefix_size || text != with_checksum(text.substr(prefix_size)))
    fail(std::string("the state is damaged, its checksum does not match") + remedy);
  Record record = json::read<Record>(text);
  if (record.version != record_version) refuse_version(std::to_string(record.version));
  return record;
}

}  // namespace agentsafe::container
