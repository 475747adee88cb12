#include "runtime/cgroup/resctrl.h"

#include "runtime/cgroup/resctrl_json.h"
#include "tests/unit/cgroup/fake_tree.h"

namespace agentsafe::cgroup {
namespace {

class ResctrlTest : public testing::Test {
 protected:
  ResctrlTest() {
    tree_.put("schemata", "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n");
    tree_.put("tasks");
    tree_.put("gold/schemata", "    L3:0=00ff0;1=fffff\n    MB:0=50;1=100\n");
    tree_.put("gold/tasks");
    tree_.put("gold/mon_groups/.keep");
  }
  FakeTree tree_;
};

TEST_F(ResctrlTest, AnExistingGroupIsJoinedAndStays) {
  ResctrlFacts facts;
  {
    auto group = make_resctrl_group(tree_.top(), {.closID = "gold"}, "web");
    group.add(42);
    facts = group.facts();
  }
  EXPECT_EQ(tree_.get("gold/tasks"), "42");
  EXPECT_FALSE(facts.made_group);
  remove_resctrl_group(facts);
  EXPECT_TRUE(tree_.has("gold/schemata"));
}

TEST_F(ResctrlTest, AnExistingGroupMustHaveTheWantedSchemata) {
  EXPECT_NO_THROW((void)make_resctrl_group(tree_.top(), {.closID = "gold", .l3CacheSchema = "L3:0=FF0"}, "web"));
  const auto message =
      error_of([&] { (void)make_resctrl_group(tree_.top(), {.closID = "gold", .memBwSchema = "MB:0=60"}, "web"); });
  EXPECT_NE(message.find("are not the ones of the configuration"), std::string::npos) << message;
}

TEST_F(ResctrlTest, AnAbsentGroupNeedsSchemataToBeMade) {
  const auto message = error_of([&] { (void)make_resctrl_group(tree_.top(), {.closID = "silver"}, "web"); });
  EXPECT_NE(message.find("does not exist"), std::string::npos) << message;
  EXPECT_FALSE(tree_.has("silver"));
}

TEST_F(ResctrlTest, WithoutClosIdTheGroupHasTheContainersIdAndGoesWithIt) {
  ResctrlFacts facts = make_resctrl_group(tree_.top(), {}, "web").keep();
  EXPECT_TRUE(tree_.has("web"));
  EXPECT_TRUE(facts.made_group);
  remove_resctrl_group(facts);
  EXPECT_FALSE(tree_.has("web"));
  EXPECT_NO_THROW(remove_resctrl_group(facts));
}

TEST_F(ResctrlTest, AGroupThatIsNotKeptIsRemoved) {
  { const auto group = make_resctrl_group(tree_.top(), {}, "web"); }
  EXPECT_FALSE(tree_.has("web"));
}

TEST_F(ResctrlTest, ARefusedSchemaLeavesNoGroup) {
  // A made folder has no schemata file here: the write fails as if the kernel refused it.
  EXPECT_NE(error_of([&] { (void)make_resctrl_group(tree_.top(), {.l3CacheSchema = "L3:0=0"}, "web"); }), "no error");
  EXPECT_FALSE(tree_.has("web"));
}

TEST_F(ResctrlTest, MonitoringGetsAGroupOfItsOwn) {
  const auto facts = make_resctrl_group(tree_.top(), {.closID = "gold", .enableMonitoring = true}, "web").keep();
  EXPECT_TRUE(tree_.has("gold/mon_groups/web"));
  remove_resctrl_group(facts);
  EXPECT_FALSE(tree_.has("gold/mon_groups/web"));
  EXPECT_TRUE(tree_.has("gold"));
}

TEST_F(ResctrlTest, ASlashIsTheRootGroup) {
  const auto facts = make_resctrl_group(tree_.top(), {.closID = "/"}, "web").keep();
  EXPECT_EQ(facts.group, tree_.top());
  EXPECT_FALSE(facts.made_group);
}

TEST_F(ResctrlTest, NamesThatAreNoGroupAreRefused) {
  for (const char* name : {"a/b", "..", "info", "mon_groups"})
    EXPECT_NE(error_of([&] { (void)make_resctrl_group(tree_.top(), {.closID = name}, "web"); }).find("cannot be"),
              std::string::npos)
        << name;
}

TEST_F(ResctrlTest, UpdateWritesTheNewSchema) {
  update_resctrl_group({.group = tree_.top() + "/gold"}, std::nullopt, "MB:0=70;1=100");
  EXPECT_EQ(tree_.get("gold/schemata").substr(0, 13), "MB:0=70;1=100");
}

TEST_F(ResctrlTest, StatsTellSchemataAndMonitoringData) {
  tree_.put("info/L3/cbm_mask", "fffff\n");
  tree_.put("info/L3/min_cbm_bits", "1\n");
  tree_.put("gold/mon_data/mon_L3_00/llc_occupancy", "7\n");
  tree_.put("gold/mon_data/mon_L3_00/mbm_total_bytes", "8\n");
  const auto stats = resctrl_stats(tree_.top(), {.group = tree_.top() + "/gold"});
  EXPECT_EQ(stats.l3_cache_schema, "L3:0=00ff0;1=fffff");
  EXPECT_EQ(stats.l3_cache_info->min_cbm_bits, 1U);
  EXPECT_EQ(stats.cmt_stats.at(0).llc_occupancy, 7U);
  EXPECT_EQ(stats.mbm_stats.at(0).total_bytes, 8U);
  EXPECT_FALSE(stats.mem_bw_info);
}

TEST(SchemataTest, TheMemoryLineOfMemBwSchemaWins) {
  EXPECT_EQ(schemata_text({.schemata = {"L2:0=f"}, .l3CacheSchema = "L3:0=f\nMB:0=10", .memBwSchema = "MB:0=20"}),
            "L3:0=f\nMB:0=20\nL2:0=f\n");
  EXPECT_EQ(schemata_text({.l3CacheSchema = "L3:0=f\nMB:0=10"}), "L3:0=f\nMB:0=10\n");
  EXPECT_EQ(schemata_text({}), "");
}

TEST(SchemataTest, AreComparedByValue) {
  EXPECT_TRUE(schemata_hold("L3:1=f;0=0a", "   L3:0=A;1=f;2=1\nMB:0=1\n"));
  EXPECT_FALSE(schemata_hold("L3:3=f", "L3:0=a"));
  EXPECT_FALSE(schemata_hold("L2:0=f", "L3:0=f"));
  EXPECT_TRUE(schemata_hold("", "L3:0=f"));
}

TEST(SchemataTest, FactsSurviveTheState) {
  const ResctrlFacts facts{"/r/gold", "/r/gold/mon_groups/web", true};
  const auto copy = json::read<ResctrlFacts>(json::write(facts));
  EXPECT_EQ(copy.monitoring_group, facts.monitoring_group);
  EXPECT_TRUE(copy.made_group);
}

}  // namespace
}  // namespace agentsafe::cgroup
