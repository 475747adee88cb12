#include "runtime/security/library_tables.h"

#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/capability.h>

#include <algorithm>
#include <string>

#include "runtime/security/syscall_numbers.h"

namespace agentsafe::security {
namespace {

TEST(LibraryTablesTest, HoldTheNumbersThatLibseccompHas) {
  ASSERT_GT(syscall_rows().size(), 400U);
  for (const auto& row : syscall_rows()) {
    const std::string name(syscall_names().substr(row.name_at, row.name_size));
    EXPECT_NE(::seccomp_syscall_resolve_name(name.c_str()), __NR_SCMP_ERROR) << name;
    for (std::size_t i = 0; i < table_architectures.size(); ++i) {
      const int number = ::seccomp_syscall_resolve_name_arch(table_architectures[i], name.c_str());
      // below zero: not there, or a part of a multiplexer, whose own number libseccomp leaves out
      EXPECT_TRUE(row.numbers[i] == number || number < 0) << name;
      EXPECT_TRUE(row.numbers[i] >= 0 || number < 0) << name;
    }
  }
}

TEST(LibraryTablesTest, AreSortedByName) {
  const auto name = [](const SyscallRow& row) { return syscall_names().substr(row.name_at, row.name_size); };
  EXPECT_TRUE(std::is_sorted(syscall_rows().begin(), syscall_rows().end(),
                             [&](const auto& a, const auto& b) { return name(a) < name(b); }));
}

TEST(LibraryTablesTest, FindWhatOnlyOtherArchitecturesHave) {
  for (const char* name :
       {"read", "cacheflush", "riscv_flush_icache", "s390_runtime_instr", "set_thread_area", "arm_fadvise64_64"})
    EXPECT_EQ(is_known_syscall(name), ::seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR) << name;
  EXPECT_FALSE(is_known_syscall("no_such_call"));
  EXPECT_FALSE(is_known_syscall(""));
}

TEST(LibraryTablesTest, HoldTheCapabilitiesThatLibcapHas) {
  EXPECT_EQ(libcap_names().size(), static_cast<std::size_t>(CAP_LAST_CAP) + 1);
  EXPECT_EQ(libcap_names()[CAP_SYS_ADMIN], "CAP_SYS_ADMIN");
  const auto* const version = ::seccomp_version();
  EXPECT_TRUE(libseccomp_version().starts_with(std::to_string(version->major) + "." + std::to_string(version->minor)));
}

}  // namespace
}  // namespace agentsafe::security
