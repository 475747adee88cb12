#include "runtime/container/criu_folders.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/error.h"
#include "runtime/criu/session.h"
#include "runtime/plan/host_facts.h"
#include "runtime/sys/fd.h"

namespace agentsafe::container {
namespace {

constexpr const char* default_images = "checkpoint";  // as runc: in the current folder
constexpr const char* own_config = "/etc/criu/agentsafe.conf";
constexpr const char* runc_config = "/etc/criu/runc.conf";

CriuFolders open_both(const CriuRequest& request) {
  const std::string images = request.image_path.empty() ? default_images : request.image_path;
  CriuFolders folders;
  folders.images = sys::openat(sys::at_cwd, images, O_RDONLY | O_DIRECTORY);
  folders.work_path = images;
  if (request.work_path.empty()) return folders;
  sys::mkdir_all(request.work_path, 0700);
  folders.work = sys::openat(sys::at_cwd, request.work_path, O_RDONLY | O_DIRECTORY);
  folders.work_path = request.work_path;
  return folders;
}

}  // namespace

void CriuFolders::name_in(criu::Options& options, const std::string& log) const {
  options.images_dir = images.get();
  options.work_dir = work.get();
  options.log_file = log;
}

std::string criu_program(const CriuRequest& request) {
  if (!plan::probe_host().privileged())
    fail("criu needs the host's root, and this is not: checkpoint and restore are not for rootless containers");
  return criu::find_criu(request.path);
}

CriuFolders make_folders(const CriuRequest& request) {
  sys::mkdir_all(request.image_path.empty() ? default_images : request.image_path, 0700);
  auto folders = open_both(request);
  folders.log_path = folders.work_path + "/dump.log";
  return folders;
}

CriuFolders open_folders(const CriuRequest& request) {
  auto folders = open_both(request);
  folders.log_path = folders.work_path + "/restore.log";
  return folders;
}

std::string config_file(const oci::Spec& spec, const Record& record) {
  const auto annotation = spec.annotations.find("org.criu.config");
  if (annotation == spec.annotations.end()) return ::access(own_config, F_OK) == 0 ? own_config : runc_config;
  if (!annotation->second.empty() && !record.effectivePolicy.empty())
    fail("the annotation org.criu.config names a file of criu settings, which may run programs on the host: policy " +
         record.policy + " does not allow that; leave the annotation out");
  return annotation->second;
}

}  // namespace agentsafe::container
