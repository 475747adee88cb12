// Writes the man pages and completion files at build time; not installed.
//
//   agentsafe-pages OUT/agentsafe.8 OUT/agentsafe-create.8 … OUT/agentsafe.bash OUT/_agentsafe OUT/agentsafe.fish
//
// The files asked for must be exactly those of the command table.
#include <cstdio>
#include <map>
#include <string>

#include "runtime/base/error.h"
#include "runtime/cli/completion.h"
#include "runtime/cli/man.h"
#include "runtime/sys/fd.h"

namespace {

using namespace agentsafe;

std::map<std::string, std::string> all_pages() {
  std::map<std::string, std::string> pages = {{"agentsafe.8", cli::program_man_page()},
                                              {"agentsafe.bash", cli::bash_completion()},
                                              {"_agentsafe", cli::zsh_completion()},
                                              {"agentsafe.fish", cli::fish_completion()}};
  for (const cli::Command& command : cli::commands())
    pages["agentsafe-" + std::string(command.name) + ".8"] = cli::command_man_page(command);
  return pages;
}

void write_pages(int argc, char** argv) {
  auto pages = all_pages();
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const auto page = pages.find(path.substr(path.rfind('/') + 1));
    if (page == pages.end()) fail(path + ": the command table has no such page");
    sys::write_all(sys::openat(sys::at_cwd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644), page->second);
    pages.erase(page);
  }
  if (!pages.empty()) fail(pages.begin()->first + " is missing from runtime/cli/meson.build");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    write_pages(argc, argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "agentsafe-pages: %s\n", error.what());
    return 1;
  }
  return 0;
}
