// What the rows of the hardenings' table work on. For the files of this folder.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

#include "runtime/policy/fields.h"
#include "runtime/policy/harden.h"

namespace agentsafe::policy {

class Hardening {
 public:
  Hardening(const oci::Spec& spec, const Policy& of, const Surroundings& host) : policy(of), around(host) {
    out.spec = spec;
    if (!out.spec.linux) out.spec.linux.emplace();
  }

  void change(std::string property, std::string before, std::string after) {
    out.changes.push_back({std::move(property), std::move(before), std::move(after), row->key, row->why});
  }
  void refuse(std::string what) { out.refusals.push_back({row->key, std::move(what)}); }

  oci::Process& process() { return *out.spec.process; }
  oci::Linux& linux() { return *out.spec.linux; }
  oci::Resources& resources() {
    if (!linux().resources) linux().resources.emplace();
    return *linux().resources;
  }

  const Policy& policy;
  const Surroundings& around;
  const Row* row = nullptr;
  Hardened out;
};

template <class List>
bool contains(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// The bytes that fs.scratch may take: fs.size, else 4G, in memory or half of its limit, whichever is less.
std::uint64_t scratch_size(const Policy& policy, const Surroundings& around);

// harden_limits.cpp
void limit_memory(Hardening& work);
void limit_swap(Hardening& work);
void end_whole_container(Hardening& work);
void limit_cpus(Hardening& work);
void limit_pids(Hardening& work);
void limit_open_files(Hardening& work);
void limit_core(Hardening& work);
void limit_shm(Hardening& work);
// harden_files.cpp
void keep_image(Hardening& work);
void keep_scratch_bounded(Hardening& work);
void refuse_workspace(Hardening& work);
void hide_paths(Hardening& work);
void protect_paths(Hardening& work);
void ignore_setuid(Hardening& work);
void ignore_devices(Hardening& work);
void mask_kernel(Hardening& work);
// harden_process.cpp
void drop_capabilities(Hardening& work);
void forbid_new_privileges(Hardening& work);
void filter_calls(Hardening& work);
void drop_environment(Hardening& work);
void own_ids(Hardening& work);

}  // namespace agentsafe::policy
