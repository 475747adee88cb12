#include "runtime/container/restored_check.h"

#include <gtest/gtest.h>

#include "runtime/base/error.h"
#include "runtime/sys/fd.h"
#include "tests/unit/error_of.h"

namespace agentsafe::container {
namespace {

// /proc/PID/status, as much as counts, without the line `left_out`.
std::string status(const std::string& left_out = "") {
  std::string text;
  for (const std::string line : {"Name:\tsleep", "Umask:\t0022", "CapInh:\t0000000000000001",
                                 "CapPrm:\t0000000000000020", "CapEff:\t0000000000000020", "CapBnd:\t00000000a80425fb",
                                 "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t2"})
    if (left_out.empty() || !line.starts_with(left_out)) text += line + "\n";
  return text;
}

TEST(RestoredCheckTest, ReadsWhatAProcessMayDo) {
  const ProcessFacts facts = read_facts(status());
  EXPECT_EQ(facts.capabilities, 0xa80425fbU);
  EXPECT_TRUE(facts.no_new_privileges);
  EXPECT_EQ(facts.seccomp_filters, 2U);
  EXPECT_NO_THROW((void)read_facts(sys::read_file(sys::at_cwd, "/proc/self/status")));
}

TEST(RestoredCheckTest, RefusesAStatusThatDoesNotTellAll) {
  for (const char* line : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp_filters"})
    EXPECT_NE(error_of([&] { (void)read_facts(status(line)); }).find("does not tell"), std::string::npos) << line;
  EXPECT_THROW((void)read_facts(""), Error);
  EXPECT_THROW((void)read_facts("\n\n:\nCap"), Error);
}

TEST(RestoredCheckTest, TakesWhatItCannotReadForTheWorst) {
  std::string text = status();
  text.replace(text.find("00000000a80425fb"), 16, "nothing readable");
  text.replace(text.find("filters:\t2"), 10, "filters:\tx");
  const ProcessFacts facts = read_facts(text);
  EXPECT_EQ(facts.capabilities, ~std::uint64_t{0});
  EXPECT_EQ(facts.seccomp_filters, 0U);
}

TEST(RestoredCheckTest, AcceptsWhatIsAsConfinedAsPlannedOrMore) {
  security::Confinement planned;
  planned.capabilities.bounding = 0xff;
  planned.no_new_privileges = true;
  planned.seccomp.resize(1);
  EXPECT_EQ(shortfall({0xff, true, 1}, planned), "");
  EXPECT_EQ(shortfall({0x01, true, 2}, planned), "");
  planned.no_new_privileges = false;
  EXPECT_EQ(shortfall({0, true, 1}, planned), "");
}

TEST(RestoredCheckTest, NamesEachThingThatIsLessConfined) {
  security::Confinement planned;
  planned.capabilities = {.bounding = 0x1, .effective = 0x2, .inheritable = 0x4, .permitted = 0x8, .ambient = 0x10};
  planned.no_new_privileges = true;
  planned.seccomp.resize(2);
  EXPECT_EQ(shortfall({0x1f, true, 2}, planned), "");
  EXPECT_EQ(shortfall({0x3f, true, 2}, planned), "it has capabilities that the bundle does not give it");
  EXPECT_EQ(shortfall({0x1f, false, 2}, planned), "no_new_privs is not set");
  EXPECT_EQ(shortfall({0x1f, true, 1}, planned), "it lacks a seccomp filter");
}

}  // namespace
}  // namespace agentsafe::container
