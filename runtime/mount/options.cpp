#include "runtime/mount/options.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace agentsafe::mount {
namespace {

// A per-mount attribute; each word also exists with an "r" in front, for the whole tree.
struct AttributeWord {
  std::string_view word;
  std::uint64_t set;
  std::uint64_t clear;
  bool takes_back = false;  // of the atime field: undoes only the value `negates`
  std::uint64_t negates = 0;
};
constexpr std::uint64_t atime = MOUNT_ATTR__ATIME;  // one field of three values: always cleared before it is set
constexpr AttributeWord attribute_words[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME, atime},
    {"norelatime", 0, atime, true, MOUNT_ATTR_RELATIME},
    {"noatime", MOUNT_ATTR_NOATIME, atime},
    {"atime", 0, atime, true, MOUNT_ATTR_NOATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, atime},
    {"nostrictatime", 0, atime, true, MOUNT_ATTR_STRICTATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

struct PropagationWord {
  std::string_view word;
  std::uint64_t flags;
};
constexpr PropagationWord propagation_words[] = {
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

// Of the superblock: given to the file system as a flag under the second name.
struct SuperblockWord {
  std::string_view word;
  std::string_view key;
};
constexpr SuperblockWord superblock_words[] = {
    {"sync", "sync"},
    {"async", "async"},
    {"dirsync", "dirsync"},
    {"mand", "mand"},
    {"nomand", "nomand"},
    {"lazytime", "lazytime"},
    {"nolazytime", "nolazytime"},
    {"rsync", "sync"},
    {"rasync", "async"},
    {"rdirsync", "dirsync"},
    {"rmand", "mand"},
    {"rnomand", "nomand"},
    {"iversion", "iversion"},
    {"noiversion", "noiversion"},
};

// These change nothing: the default, and whether the kernel's log gets a line (MS_SILENT).
constexpr std::string_view accepted_words[] = {"defaults", "silent", "loud"};

struct SwitchWord {
  std::string_view word;
  bool MountStep::*member;
};
constexpr SwitchWord switch_words[] = {
    {"tmpcopyup", &MountStep::copy_up},
    {"copy-symlink", &MountStep::copy_symlink},
    {"src-nofollow", &MountStep::source_nofollow},
    {"dest-nofollow", &MountStep::destination_nofollow},
};

void merge(Attributes& into, const AttributeWord& row) {
  const std::uint64_t chosen = into.set & atime;
  if (row.takes_back && chosen != 0 && chosen != row.negates) return;  // noatime,norelatime stays noatime
  into.set = (into.set & ~row.clear) | row.set;
  into.clear = (into.clear & ~(row.set & ~atime)) | row.clear;
}

const AttributeWord* find_attribute(std::string_view word) {
  for (const auto& row : attribute_words)
    if (row.word == word) return &row;
  return nullptr;
}

// The host id of an id of the container's user namespace.
std::uint32_t within(const IdMap& container_map, std::uint32_t id) {
  for (const auto& row : container_map)
    if (id >= row.containerID && id - row.containerID < row.size) return row.hostID + (id - row.containerID);
  fail("mount option idmap=: @ asks for id " + std::to_string(id) +
       ", which the container's user namespace does not map");
}

// crun's idmap=uids=0-1000-10#10-2000-5;gids=…: first id of the file system, first id of the host, how many. With "@"
// in front the second counts inside the container's user namespace.
IdMap parse_id_map(std::string_view text, const IdMap& container_map) {
  IdMap map;
  for (const auto range : text::split(text, '#')) {
    const auto numbers = text::split(range.starts_with('@') ? range.substr(1) : range, '-');
    const auto number = [&](std::size_t i) {
      return numbers.size() == 3 ? text::parse<std::uint32_t>(numbers[i]) : std::nullopt;
    };
    const auto inside = number(0), outside = number(1), size = number(2);
    if (!inside || !outside || !size) fail("mount option idmap=: \"" + text::escaped(range) + "\" is not FROM-TO-SIZE");
    map.push_back({*inside, range.starts_with('@') ? within(container_map, *outside) : *outside, *size});
  }
  return map;
}

bool apply_idmap(std::string_view word, const IdMaps& container, MountStep& step) {
  const bool recursive = word == "ridmap" || word.starts_with("ridmap=");
  const std::string_view name = recursive ? "ridmap" : "idmap";
  if (word != name && !(word.starts_with(name) && word.substr(name.size()).starts_with('='))) return false;
  step.idmapped = true;
  step.idmap_recursive = recursive;
  if (word == name) return true;
  for (const auto part : text::split(word.substr(name.size() + 1), ';')) {
    if (part.starts_with("uids=")) {
      step.uid_map = parse_id_map(part.substr(5), container.uids);
    } else if (part.starts_with("gids=")) {
      step.gid_map = parse_id_map(part.substr(5), container.gids);
    } else {
      fail("mount option idmap=: \"" + text::escaped(part) + "\" is neither uids= nor gids=");
    }
  }
  return true;
}

}  // namespace

std::uint64_t propagation_of(std::string_view word) {
  for (const auto& row : propagation_words)
    if (row.word == word) return row.flags;
  return 0;
}

bool apply_option(std::string_view word, MountStep& step, const IdMaps& container) {
  if (const auto* row = find_attribute(word)) return merge(step.attributes, *row), true;
  if (const auto flags = propagation_of(word); flags != 0) return step.propagation.push_back(flags), true;
  for (const auto& row : superblock_words)
    if (row.word == word) return step.superblock_flags.emplace_back(row.key), true;
  for (const auto& row : switch_words)
    if (row.word == word) return step.*row.member = true, true;
  if (word == "bind" || word == "rbind") {
    step.kind = StepKind::bind;
    step.recursive = step.recursive || word == "rbind";
    return true;
  }
  if (word == "remount") {
    if (step.kind != StepKind::bind) step.kind = StepKind::remount;
    return true;
  }
  if (word.starts_with('r'))
    if (const auto* row = find_attribute(word.substr(1))) return merge(step.recursive_attributes, *row), true;
  if (std::find(std::begin(accepted_words), std::end(accepted_words), word) != std::end(accepted_words)) return true;
  return apply_idmap(word, container, step);
}

std::vector<std::string> mount_option_names() {
  std::vector<std::string> names{"bind", "rbind", "remount", "idmap", "ridmap"};
  for (const auto& row : attribute_words) {
    names.emplace_back(row.word);
    names.push_back("r" + std::string(row.word));
  }
  for (const auto& row : propagation_words) names.emplace_back(row.word);
  for (const auto& row : superblock_words) names.emplace_back(row.word);
  for (const auto& row : switch_words) names.emplace_back(row.word);
  for (const auto word : accepted_words) names.emplace_back(word);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace agentsafe::mount
