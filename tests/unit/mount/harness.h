// A container made by mount/ alone: a child in new namespaces builds the root file system of a Spec and then runs a
// function in it. Needs root. What is proven is proven from the host's side where that is possible.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "oci/spec.h"
#include "runtime/mount/rootfs.h"

namespace agentsafe::mount::test {

// A folder under /tmp that is removed with everything in it.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  [[nodiscard]] std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

void make_folder(const std::string& path);
void write_text(const std::string& path, const std::string& text);
// "missing" when there is no such file.
std::string text_of(const std::string& path);
std::string listing(const std::string& path);  // sorted, one name after the other with blanks between
// The fields of the mount that is on top at `point`, or "none": "ro,nosuid tmpfs".
std::string mounted_at(const std::string& point);

oci::Mount tmpfs(const std::string& destination, std::vector<std::string> options = {});
oci::Mount bind_mount(const std::string& source, const std::string& destination,
                      std::vector<std::string> options = {"bind"});

// All namespaces but the user namespace, and the mounts that engines ask for.
oci::Spec container_in(const std::string& rootfs);
// Also with a user namespace that maps 0… to 100000….
oci::Spec user_container_in(const std::string& rootfs);

struct Outcome {
  std::string error;  // of building; empty when `inside` ran
  std::string said;   // what `inside` answered
};
using Inside = std::function<std::string()>;
struct Setting {
  Facts facts;
  Inside before_enter = nullptr;  // runs when everything is mounted, in the host's root
  Inside before_seal = nullptr;
};
Outcome run(const oci::Spec& spec, const Inside& inside, Setting setting = {});

#define SKIP_UNLESS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "needs root"

}  // namespace agentsafe::mount::test
