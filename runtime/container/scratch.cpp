#include "runtime/container/scratch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/process.h"
#include "runtime/sys/quota.h"

namespace agentsafe::container {
namespace {

constexpr std::uint32_t first_project = 0x61670000;
constexpr std::uint32_t projects = 65536;
constexpr const char* holder_link = "container";
constexpr const char* waste = ".waste";  // no layer has this name
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

void lock(FdRef top) {
  if (::flock(top.get(), LOCK_EX) != 0) fail_errno("lock the folder of scratch layers");
}

UniqueFd lock_top(const std::string& scratch_dir) {
  UniqueFd top = sys::openat(sys::at_cwd, scratch_dir, directory_flags);
  const auto info = sys::fstat(top);
  if (info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    fail("scratch_dir " + scratch_dir + " can be written by others: run chown root and chmod 700 on it");
  lock(top);
  return top;
}

std::optional<std::uint32_t> project_of(std::string_view name) {
  const auto number = text::parse<std::uint32_t>(name);
  const bool ours = number && *number >= first_project && *number - first_project < projects;
  return ours ? number : std::nullopt;
}

// The files of a container nest as deeply as it likes: folders are taken out of each other instead of descended into.
void empty_folder(FdRef folder) {  // but for the link
  sys::try_mkdirat(folder, waste, 0700);
  const UniqueFd heap = sys::openat(folder, waste, directory_flags);
  std::uint64_t count = 0;
  const auto throw_on_heap = [&](FdRef from, const std::string& name) {
    for (;; ++count) {  // what an earlier try has left there keeps its name
      if (::renameat2(from.get(), name.c_str(), heap.get(), std::to_string(count).c_str(), RENAME_NOREPLACE) == 0)
        return;
      if (errno != EEXIST) fail_errno("remove the files of a scratch layer");
    }
  };
  const auto take_out = [&](FdRef from) {
    for (const auto& name : sys::list_directory(from))
      if (name != waste && name != holder_link && ::unlinkat(from.get(), name.c_str(), 0) != 0)
        throw_on_heap(from, name);
  };
  take_out(folder);
  for (auto names = sys::list_directory(heap); !names.empty(); names = sys::list_directory(heap))
    for (const auto& name : names) {
      const UniqueFd inner = sys::openat(heap, name, directory_flags);
      for (const auto& entry : sys::list_directory(inner))
        if (::unlinkat(inner.get(), entry.c_str(), 0) != 0) throw_on_heap(inner, entry);
      sys::unlinkat(heap, name, AT_REMOVEDIR);
    }
  sys::unlinkat(folder, waste, AT_REMOVEDIR);
}

void empty_layer(FdRef top, const std::string& name) {
  const UniqueFd folder = sys::try_openat(top, name, directory_flags);
  if (!folder) return;
  if (const auto project = project_of(name)) sys::limit_project(folder, *project, 0, 0);
  empty_folder(folder);
}

// Under the lock. Link and folder come last: whatever ends us, the rest is found again.
void remove_layer(FdRef top, const std::string& name) {
  empty_layer(top, name);
  sys::unlinkat(top, name + "/" + holder_link);
  sys::unlinkat(top, name, AT_REMOVEDIR);
}

// Under the lock: a folder without a link was being made by one who was killed.
bool is_abandoned(FdRef top, const std::string& name, const std::string& boot, const std::string& own_state_dir) {
  const auto holder = sys::try_readlinkat(top, name + "/" + holder_link);
  if (!holder || !holder->starts_with(boot + ":")) return true;
  const std::string state_dir = holder->substr(boot.size() + 1);
  return state_dir == own_state_dir || !sys::try_fstatat(sys::at_cwd, state_dir);
}

void make_layer(FdRef top, std::uint32_t project, const std::string& holder, const ScratchLimits& limits) {
  const std::string name = std::to_string(project);
  sys::mkdirat(top, name, 0700);
  const UniqueFd folder = sys::openat(top, name, directory_flags);
  sys::fchmod(folder, 0700);
  sys::set_project(folder, project);
  sys::limit_project(folder, project, limits.bytes, limits.inodes);
  sys::symlinkat(holder, folder, holder_link);
  sys::fchown(folder, limits.owner, limits.owner);
}

}  // namespace

std::string take_scratch(const std::string& scratch_dir, const std::string& state_dir, const ScratchLimits& limits) {
  sys::mkdir_all(scratch_dir, 0700);
  const UniqueFd top = lock_top(scratch_dir);
  const std::string boot = sys::boot_id();
  for (const auto& name : sys::list_directory(top))
    if (project_of(name) && is_abandoned(top, name, boot, state_dir)) remove_layer(top, name);
  for (std::uint32_t i = 0; i < projects; ++i) {
    const std::uint32_t project = first_project + i;
    const std::string name = std::to_string(project);
    if (sys::try_fstatat(top, name) || sys::has_project(top, project)) continue;
    try {
      make_layer(top, project, boot + ":" + state_dir, limits);
    } catch (const Error&) {
      remove_layer(top, name);
      throw;
    }
    return scratch_dir + "/" + name;
  }
  fail("fs.scratch: all " + std::to_string(projects) + " projects of " + scratch_dir + " are in use");
}

void release_scratch(const std::string& folder) {
  const auto slash = folder.rfind('/');
  const UniqueFd top = sys::try_openat(sys::at_cwd, folder.substr(0, slash), directory_flags);
  if (!top) return;
  const std::string name = folder.substr(slash + 1);
  in_context("remove " + folder, [&] {
    empty_layer(top, name);  // before the lock: it may take long
    lock(top);
    remove_layer(top, name);
  });
}

void release_scratch_of(const std::string& scratch_dir, const std::string& state_dir) {
  if (!sys::try_fstatat(sys::at_cwd, scratch_dir)) return;
  const UniqueFd top = lock_top(scratch_dir);
  for (const auto& name : sys::list_directory(top)) {
    const auto holder = sys::try_readlinkat(top, name + "/" + holder_link);
    if (project_of(name) && holder && holder->ends_with(":" + state_dir)) remove_layer(top, name);
  }
}

}  // namespace agentsafe::container
