// No input may do more than be refused. The inputs are the corpus of tests/fuzz, and a whole configuration cut and
// changed everywhere. The random numbers are the same in every run.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "oci/spec_json.h"
#include "oci/validate.h"
#include "tests/unit/error_of.h"
#include "tests/unit/oci/samples.h"

namespace agentsafe::oci {
namespace {

// Whether the text was taken as a spec, which then can be checked, described and written.
bool takes(const std::string& text) {
  try {
    const Spec spec = read_spec(text);
    (void)describe(validate(spec));
    (void)warnings(spec);
    return read_spec(to_json(spec)).ociVersion == spec.ociVersion;
  } catch (const Error& error) {
    EXPECT_FALSE(error.message().empty());
    EXPECT_EQ(error.message().find('\n'), std::string::npos) << error.message();
    return false;
  }
}

TEST(MalformedTest, TheCorpusIsRefused) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(OCI_TESTS) + "/../../fuzz/corpus")) {
    EXPECT_FALSE(takes(file_text(entry.path().string()))) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 25U);
}

TEST(MalformedTest, EveryPrefixOfAConfigurationIsRefused) {
  const std::string text = to_json(read_spec(sample("docker")));
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(takes(text.substr(0, size))) << "the first " << size << " bytes";
}

TEST(MalformedTest, AChangedByteIsTakenOrRefused) {
  const std::string text = to_json(read_spec(sample("everything")));
  std::mt19937 random(20261121);
  std::size_t taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string changed = text;
    changed[random() % changed.size()] = static_cast<char>(random() & 0xff);
    if (takes(changed)) ++taken;
  }
  EXPECT_GT(taken, 100U);  // in words of no meaning to us
  EXPECT_LT(taken, 19000U);
}

TEST(MalformedTest, MovedAndRepeatedPartsAreTakenOrRefused) {
  const std::string text = to_json(read_spec(sample("everything")));
  std::mt19937 random(2);
  for (int i = 0; i < 5000; ++i) {
    std::string changed = text;
    const std::string part = text.substr(random() % text.size(), random() % 64);
    const auto at = random() % text.size();
    if (i % 3 == 0) changed.insert(at, part);
    if (i % 3 == 1) changed.erase(at, part.size());
    if (i % 3 == 2) changed.replace(at, part.size(), part);
    (void)takes(changed);
  }
}

TEST(MalformedTest, EveryValueReplacedByAnotherKindIsTakenOrRefused) {
  const std::string text = to_json(read_spec(sample("everything")));
  for (std::size_t at = text.find(':'); at != std::string::npos; at = text.find(':', at + 1))
    for (const char* value : {"null", "true", "-1", "1e400", "\"\"", "[]", "{}", "[{}]", "[[]]"}) {
      std::string changed = text;
      changed.replace(at + 1, std::min(text.find_first_of(",}", at), text.size()) - at - 1, value);
      (void)takes(changed);
    }
}

}  // namespace
}  // namespace agentsafe::oci
