// What checkpoint and restore have in common: the program, the folders that it works in, its configuration.
#pragma once
#include <string>

#include "oci/spec.h"
#include "runtime/base/unique_fd.h"
#include "runtime/container/requests.h"
#include "runtime/container/store.h"

namespace agentsafe::container {

struct CriuFolders {
  UniqueFd images;
  UniqueFd work;  // empty: the same
  std::string work_path;
  std::string log_path;

  // The folders' descriptors and the log's name. They must outlive the run of criu.
  void name_in(criu::Options& options, const std::string& log) const;
};

// criu's path; throws where criu cannot work at all: it is missing, or we are not root of the host.
[[nodiscard]] std::string criu_program(const CriuRequest& request);
// checkpoint: makes what is missing, 0700. restore: the images must be there.
[[nodiscard]] CriuFolders make_folders(const CriuRequest& request);
[[nodiscard]] CriuFolders open_folders(const CriuRequest& request);
// The file whose settings go before all others: what the annotation org.criu.config names ("": none), without it
// /etc/criu/agentsafe.conf or, when there is none, runc.conf. Throws for the annotation under a policy, as such a file may
// name programs to run on the host.
[[nodiscard]] std::string config_file(const oci::Spec& spec, const Record& record);

}  // namespace agentsafe::container
