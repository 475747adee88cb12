#include "runtime/mount/detached_mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/error.h"
#include "runtime/base/text.h"
#include "runtime/sys/fd.h"
#include "runtime/sys/mount.h"

namespace agentsafe::mount {
namespace {

struct OldFlag {
  const char* word;
  unsigned long set;
  unsigned long clear;
};
constexpr OldFlag old_flag_words[] = {
    {"ro", MS_RDONLY, 0},         {"sync", MS_SYNCHRONOUS, 0},    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},   {"mand", MS_MANDLOCK, 0},       {"nomand", 0, MS_MANDLOCK},
    {"lazytime", MS_LAZYTIME, 0}, {"nolazytime", 0, MS_LAZYTIME}, {"iversion", MS_I_VERSION, 0},
};

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7));
  return digits;
}

void change(FdRef tree, const sys::MountAttributes& attributes, bool recursive) {
  try {
    sys::mount_setattr(tree, attributes, recursive);
  } catch (Error& error) {
    if (error.error_number() == EPERM && attributes.clear != 0)
      throw Error(std::string(error.what()) + ": the host has locked a flag of the source that the options would clear",
                  EPERM);
    throw;
  }
}

}  // namespace

UniqueFd make_filesystem(const MountStep& step, std::optional<mode_t> default_mode) {
  const UniqueFd context = sys::fsopen(step.type);
  if (!step.source.empty()) sys::fsconfig_string(context, "source", step.source);
  for (const auto& flag : step.superblock_flags) sys::fsconfig_flag(context, flag);
  for (const auto& [key, value] : step.options) {
    if (key == "mode") default_mode.reset();
    if (value.empty()) {
      sys::fsconfig_flag(context, key);
    } else {
      sys::fsconfig_string(context, key, value);
    }
  }
  if (step.type == "tmpfs" && default_mode) sys::fsconfig_string(context, "mode", octal(*default_mode));
  sys::fsconfig_create(context);
  return sys::fsmount(context, step.attributes.set);
}

unsigned long old_flags(const MountStep& step) {
  unsigned long flags = step.attributes.set & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);  // the same bits in both
  for (const auto& word : step.superblock_flags)
    for (const auto& row : old_flag_words)
      if (word == row.word) flags = (flags & ~row.clear) | row.set;
  return flags;
}

std::string old_data(const MountStep& step) {
  std::vector<std::string> words;
  for (const auto& [key, value] : step.options) {
    const bool is_label = key.ends_with("context");  // SELinux categories hold commas
    const std::string quote = is_label ? "\"" : "";
    words.push_back(value.empty() ? key : key + "=" + quote + value + quote);
  }
  return text::join(words, ",");
}

UniqueFd clone_source(const MountStep& step) {
  // by path: O_PATH would not make autofs mount what belongs there
  if (!step.source_nofollow) return sys::clone_tree(sys::at_cwd, step.source, step.recursive);
  const UniqueFd link = sys::openat(sys::at_cwd, step.source, O_PATH | O_NOFOLLOW);
  return sys::clone_tree(link, "", step.recursive);
}

void set_attributes(FdRef tree, const MountStep& step) {
  sys::MountAttributes own;
  if (step.kind == StepKind::bind) {
    own.set = step.attributes.set;
    own.clear = step.attributes.clear;
  }
  std::size_t first = 0;
  if (!step.recursive && !step.propagation.empty())
    own.propagation = step.propagation[first++] & ~std::uint64_t{MS_REC};
  if (own.set != 0 || own.clear != 0 || own.propagation != 0) change(tree, own, false);
  const auto& all = step.recursive_attributes;
  if (!all.empty()) change(tree, {.set = all.set, .clear = all.clear}, true);
  for (; first < step.propagation.size(); ++first)
    sys::mount_setattr(tree, {.propagation = step.propagation[first] & ~std::uint64_t{MS_REC}},
                       (step.propagation[first] & MS_REC) != 0);
}

}  // namespace agentsafe::mount
