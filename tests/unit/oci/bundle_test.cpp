#include "oci/bundle.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/error_of.h"

namespace agentsafe::oci {
namespace {

class BundleTest : public ::testing::Test {
 protected:
  BundleTest() {
    char name[] = "/tmp/bundle-test-XXXXXX";
    path_ = std::filesystem::canonical(::mkdtemp(name)).string();
  }
  ~BundleTest() override { std::filesystem::remove_all(path_); }
  void config(const std::string& text) const { std::ofstream(path_ + "/config.json") << text; }
  [[nodiscard]] std::string refusal() const {
    return error_of([&] { (void)load(path_); });
  }
  std::string path_;
};

TEST_F(BundleTest, MakesTheRootPathAbsolute) {
  config(R"({"ociVersion": "1.0.0", "root": {"path": "rootfs"}})");
  EXPECT_EQ(load(path_).spec.root->path, path_ + "/rootfs");
  config(R"({"ociVersion": "1.0.0", "root": {"path": "/srv/rootfs"}})");
  EXPECT_EQ(load(path_).spec.root->path, "/srv/rootfs");
  config(R"({"ociVersion": "1.0.0", "root": {"path": ""}})");
  EXPECT_EQ(load(path_).spec.root->path, "");
}

TEST_F(BundleTest, ResolvesItsOwnPathAndKeepsTheText) {
  const std::string text = R"({"ociVersion": "1.0.0"})";
  config(text);
  const std::string link = path_ + "/link";
  std::filesystem::create_symlink(path_, link);
  const Bundle bundle = load(link + "/.");
  EXPECT_EQ(bundle.path, path_);
  EXPECT_EQ(bundle.text, text);
  EXPECT_EQ(bundle.spec.ociVersion, "1.0.0");
}

TEST_F(BundleTest, ReadsAnotherFileWhenTold) {
  std::ofstream(path_ + "/other.json") << R"({"ociVersion": "1.0.1"})";
  EXPECT_EQ(load(path_, path_ + "/other.json").spec.ociVersion, "1.0.1");
}

TEST_F(BundleTest, NamesWhatIsMissing) {
  EXPECT_EQ(refusal(), "open " + path_ + "/config.json: missing (ENOENT)");
  EXPECT_EQ(error_of([&] { (void)load(path_ + "/none"); }), "open the bundle " + path_ + "/none: missing (ENOENT)");
}

TEST_F(BundleTest, NamesTheFileAndThePlaceOfAnError) {
  config("{\n}}");
  EXPECT_TRUE(refusal().starts_with(path_ + "/config.json: line 2, column 2: ")) << refusal();
  config("{}");
  EXPECT_EQ(refusal(), path_ + "/config.json: ociVersion: is missing");
}

TEST_F(BundleTest, DoesNotHangOnAFifo) {
  ASSERT_EQ(::mkfifo((path_ + "/config.json").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), path_ + "/config.json is not a regular file");
}

TEST_F(BundleTest, RefusesAFolderAndAHugeFile) {
  std::filesystem::create_directory(path_ + "/config.json");
  EXPECT_EQ(refusal(), path_ + "/config.json is not a regular file");
  std::filesystem::remove(path_ + "/config.json");
  config("");
  std::filesystem::resize_file(path_ + "/config.json", (16U << 20) + 1);
  EXPECT_EQ(refusal(), path_ + "/config.json is larger than 16 MiB");
}

}  // namespace
}  // namespace agentsafe::oci
