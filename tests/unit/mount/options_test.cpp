#include "runtime/mount/options.h"

#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>

#include "runtime/base/error.h"

namespace agentsafe::mount {
namespace {

MountStep parsed(const std::vector<std::string>& words) {
  MountStep step;
  for (const auto& word : words) EXPECT_TRUE(apply_option(word, step)) << word;
  return step;
}

TEST(OptionsTest, EveryWordTheSpecificationDemandsIsKnown) {
  for (const char* word :
       {"async",     "atime",        "bind",         "defaults",    "dev",           "diratime",     "dirsync",
        "exec",      "iversion",     "lazytime",     "loud",        "noatime",       "nodev",        "nodiratime",
        "noexec",    "noiversion",   "nolazytime",   "norelatime",  "nostrictatime", "nosuid",       "nosymfollow",
        "private",   "ratime",       "rbind",        "rdev",        "rdiratime",     "relatime",     "remount",
        "rexec",     "rnoatime",     "rnodev",       "rnodiratime", "rnoexec",       "rnorelatime",  "rnostrictatime",
        "rnosuid",   "rnosymfollow", "ro",           "rprivate",    "rrelatime",     "rro",          "rrw",
        "rshared",   "rslave",       "rstrictatime", "rsuid",       "rsymfollow",    "runbindable",  "rw",
        "shared",    "silent",       "slave",        "strictatime", "suid",          "symfollow",    "sync",
        "tmpcopyup", "unbindable",   "idmap",        "ridmap",      "mand",          "nomand",       "rsync",
        "rasync",    "rdirsync",     "rmand",        "rnomand",     "copy-symlink",  "src-nofollow", "dest-nofollow"}) {
    MountStep step;
    EXPECT_TRUE(apply_option(word, step)) << word;
    const auto names = mount_option_names();
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), word)) << word;
  }
}

TEST(OptionsTest, TheNamesAreSortedAndEachThereOnce) {
  const auto names = mount_option_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  for (const auto& name : names) EXPECT_NE(parsed({name}).destination, "x");
}

TEST(OptionsTest, WhatIsUnknownIsLeftToTheFileSystem) {
  MountStep step;
  for (const char* word : {"size=64k", "nosuch", "", "ROSE", "r", "rbin", "idmapped", "rro=1"})
    EXPECT_FALSE(apply_option(word, step)) << word;
}

TEST(OptionsTest, TheLaterOfTwoContradictingWordsCounts) {
  const auto step = parsed({"ro", "rw", "nosuid", "suid", "exec", "noexec", "rro", "rrw"});
  EXPECT_EQ(step.attributes.set, std::uint64_t{MOUNT_ATTR_NOEXEC});
  EXPECT_EQ(step.attributes.clear, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(step.recursive_attributes.set, 0U);
  EXPECT_EQ(step.recursive_attributes.clear, std::uint64_t{MOUNT_ATTR_RDONLY});
}

TEST(OptionsTest, TheAtimeFieldIsClearedAsAWholeBeforeItIsSet) {
  for (const auto& [word, value] : {std::pair{"noatime", MOUNT_ATTR_NOATIME},
                                    {"strictatime", MOUNT_ATTR_STRICTATIME},
                                    {"relatime", MOUNT_ATTR_RELATIME},
                                    {"atime", 0},
                                    {"norelatime", 0}}) {
    const auto step = parsed({word, std::string("r") + word});
    EXPECT_EQ(step.attributes.set, static_cast<std::uint64_t>(value)) << word;
    EXPECT_EQ(step.attributes.clear, std::uint64_t{MOUNT_ATTR__ATIME}) << word;
    EXPECT_EQ(step.recursive_attributes.set, static_cast<std::uint64_t>(value)) << word;
    EXPECT_EQ(step.recursive_attributes.clear, std::uint64_t{MOUNT_ATTR__ATIME}) << word;
  }
  EXPECT_EQ(parsed({"noatime", "strictatime"}).attributes.set, std::uint64_t{MOUNT_ATTR_STRICTATIME});
  EXPECT_EQ(parsed({"noatime", "norelatime"}).attributes.set, std::uint64_t{MOUNT_ATTR_NOATIME});
  EXPECT_EQ(parsed({"noatime", "atime"}).attributes.set, 0U);
  EXPECT_EQ(parsed({"noatime", "nodiratime"}).attributes.set,
            std::uint64_t{MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME});
}

TEST(OptionsTest, SuperblockWordsDoNotBecomeAttributes) {
  const auto step = parsed({"sync", "dirsync", "lazytime", "mand", "rasync"});
  EXPECT_TRUE(step.attributes.empty());
  EXPECT_EQ(step.superblock_flags, (std::vector<std::string>{"sync", "dirsync", "lazytime", "mand", "async"}));
}

TEST(OptionsTest, PropagationKeepsItsOrder) {
  EXPECT_EQ(parsed({"rslave", "shared"}).propagation, (std::vector<std::uint64_t>{MS_SLAVE | MS_REC, MS_SHARED}));
  EXPECT_EQ(propagation_of("runbindable"), std::uint64_t{MS_UNBINDABLE | MS_REC});
  EXPECT_EQ(propagation_of("rbind"), 0U);
}

TEST(OptionsTest, IdmapOfCrunIsRead) {
  MountStep step;
  ASSERT_TRUE(apply_option("ridmap=uids=0-1000-10#10-2000-5;gids=0-7-1", step));
  EXPECT_TRUE(step.idmapped && step.idmap_recursive);
  ASSERT_EQ(step.uid_map.size(), 2U);
  EXPECT_EQ(step.uid_map[1].containerID, 10U);
  EXPECT_EQ(step.uid_map[1].hostID, 2000U);
  EXPECT_EQ(step.uid_map[1].size, 5U);
  EXPECT_EQ(step.gid_map.size(), 1U);
}

TEST(OptionsTest, AnIdmapWithAnAtSignCountsInsideTheContainer) {
  MountStep step;
  const IdMaps container{{{0, 100000, 1000}, {5000, 7000, 10}}, {{0, 200000, 10}}};
  ASSERT_TRUE(apply_option("idmap=uids=@1-5003-1;gids=@0-4-1", step, container));
  EXPECT_EQ(step.uid_map[0].hostID, 7003U);
  EXPECT_EQ(step.gid_map[0].hostID, 200004U);
  EXPECT_THROW(apply_option("idmap=uids=@1-4000-1", step, container), Error);
}

TEST(OptionsTest, AMalformedIdmapIsRefused) {
  for (const char* word : {"idmap=uids=1-2", "idmap=uids=a-b-c", "idmap=foo=1-2-3", "idmap=uids=1-2-3-4",
                           "idmap=uids=4294967296-1-1", "idmap=uids=-1-1-1"}) {
    MountStep step;
    EXPECT_THROW(apply_option(word, step), Error) << word;
  }
}

}  // namespace
}  // namespace agentsafe::mount
