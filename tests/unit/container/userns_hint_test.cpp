#include "runtime/container/userns_hint.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace agentsafe::container {
namespace {

const UsernsRestriction ubuntu{"1", "unconfined", "63000"};

TEST(UsernsHintTest, NamesTheProfileWhereOnlyProgramsWithOneMayUseUserNamespaces) {
  for (const int error : {EPERM, EACCES}) {
    const auto hint = userns_hint(error, ubuntu);
    EXPECT_NE(hint.find("kernel.apparmor_restrict_unprivileged_userns=1"), std::string::npos);
    EXPECT_NE(hint.find("/etc/apparmor.d/agentsafe"), std::string::npos);
    EXPECT_EQ(hint.find('\n'), std::string::npos);
  }
}

TEST(UsernsHintTest, SaysNothingAboutOtherErrorsAndOtherHosts) {
  EXPECT_EQ(userns_hint(ENOENT, ubuntu), "");
  EXPECT_EQ(userns_hint(EPERM, {"0", "unconfined", "63000"}), "");
  EXPECT_EQ(userns_hint(EPERM, {"", "", "63000"}), "");
}

TEST(UsernsHintTest, SaysNothingOnceTheProfileIsLoaded) {
  EXPECT_EQ(userns_hint(EPERM, {"1", "agentsafe (unconfined)", "63000"}), "");
}

TEST(UsernsHintTest, NamesTheSysctlThatForbidsUserNamespaces) {
  EXPECT_NE(userns_hint(ENOSPC, {"", "", "0"}).find("user.max_user_namespaces is 0"), std::string::npos);
  EXPECT_EQ(userns_hint(ENOSPC, {"", "", "63000"}), "");
}

}  // namespace
}  // namespace agentsafe::container
