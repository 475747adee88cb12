// A folder that stands in for a cgroup mount: plain files take what would go to the kernel.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "runtime/base/error.h"
#include "tests/unit/error_of.h"

namespace agentsafe::cgroup {

class FakeTree {
 public:
  FakeTree() {
    std::string pattern = testing::TempDir() + "agentsafe-cgroup-XXXXXX";
    top_ = ::mkdtemp(pattern.data());
  }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  ~FakeTree() { std::filesystem::remove_all(top_); }

  [[nodiscard]] const std::string& top() const { return top_; }
  void put(const std::string& file, const std::string& content = "") const {
    std::filesystem::create_directories(std::filesystem::path(top_ + "/" + file).parent_path());
    std::ofstream(top_ + "/" + file) << content;
  }
  [[nodiscard]] std::string get(const std::string& file) const {
    std::stringstream content;
    content << std::ifstream(top_ + "/" + file).rdbuf();
    return content.str();
  }
  [[nodiscard]] bool has(const std::string& file) const { return std::filesystem::exists(top_ + "/" + file); }

 private:
  std::string top_;
};

}  // namespace agentsafe::cgroup
