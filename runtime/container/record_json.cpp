#include "runtime/container/record_json.h"

#include "oci/linux_json.h"
#include "runtime/base/error.h"
#include "runtime/cgroup/plan_json.h"
#include "runtime/cgroup/resctrl_json.h"

namespace agentsafe::json {
template <>
inline constexpr auto fields<container::SharedNetwork> = std::tuple{
    required("path", &container::SharedNetwork::path), required("inode", &container::SharedNetwork::inode)};
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
                                                  required("cgroup", &container::Record::cgroup),
                                                  required("cgroupIsOurs", &container::Record::cgroupIsOurs),
                                                  required("ownPidNamespace", &container::Record::ownPidNamespace),
                                                  required("rootless", &container::Record::rootless),
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

std::string to_json(const Record& record) { return json::write(record); }

Record read_record(std::string_view text) {
  Record record = json::read<Record>(text);
  if (record.version != 1) fail("version " + std::to_string(record.version) + " of the state is not known");
  return record;
}

}  // namespace agentsafe::container
