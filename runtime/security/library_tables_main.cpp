// Run at build time:  agentsafe-library-tables OUTPUT.cpp   writes the tables of library_tables.h.
#include <seccomp.h>
#include <sys/capability.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "runtime/security/library_tables.h"

namespace agentsafe::security {
namespace {

using Numbers = std::array<std::int32_t, table_architectures.size()>;

// Whose names count as known, although their calls never run here.
constexpr std::uint32_t all_architectures[] = {
    SCMP_ARCH_X86_64,  SCMP_ARCH_X86,  SCMP_ARCH_X32,    SCMP_ARCH_AARCH64,   SCMP_ARCH_ARM,
    SCMP_ARCH_RISCV64, SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32, SCMP_ARCH_PPC,
    SCMP_ARCH_PPC64,   SCMP_ARCH_S390, SCMP_ARCH_S390X,  SCMP_ARCH_PARISC};
// Where an architecture's numbers begin: MIPS' three, x32's bit, those of ARM alone.
constexpr int bases[] = {0, 4000, 5000, 6000, 0x40000000, 0xf0000};
constexpr int numbers_of_a_base = 1000;

struct Free {
  void operator()(char* text) const { std::free(text); }
};

std::string name_of(std::uint32_t architecture, int number) {
  const std::unique_ptr<char, Free> name(::seccomp_syscall_resolve_num_arch(architecture, number));
  return name ? name.get() : "";
}

std::map<std::string, Numbers> known_syscalls() {
  std::map<std::string, Numbers> known;
  for (const std::uint32_t architecture : all_architectures) {
    for (const int base : bases) {
      for (int number = base; number < base + numbers_of_a_base; ++number) {
        const std::string name = name_of(architecture, number);
        if (name.empty()) continue;
        Numbers& numbers = known.try_emplace(name, Numbers{-1, -1, -1, -1, -1, -1}).first->second;
        const int named = ::seccomp_syscall_resolve_name_arch(architecture, name.c_str());
        for (std::size_t i = 0; i < numbers.size();
             ++i)  // below zero: a part of a multiplexer, found by its number only
          if (table_architectures[i] == architecture) numbers[i] = named >= 0 ? named : number;
      }
    }
  }
  return known;
}

std::string syscall_tables() {
  std::string names, rows;
  std::size_t at = 0;
  for (const auto& [name, numbers] : known_syscalls()) {
    rows += "    {" + std::to_string(at) + ", " + std::to_string(name.size()) + ", {";
    for (const std::int32_t number : numbers) rows += std::to_string(number) + ", ";
    rows += "}},\n";
    names += "    \"" + name + "\"\n";
    at += name.size();
  }
  return "constexpr SyscallRow rows[] = {\n" + rows + "};\n\nconstexpr std::string_view names =\n" + names + ";\n";
}

std::string capability_table() {
  std::string names;
  for (cap_value_t value = 0; value <= CAP_LAST_CAP; ++value) {
    char* const name = ::cap_to_name(value);
    std::string upper;
    for (const char* c = name; *c != '\0'; ++c)
      upper += *c >= 'a' && *c <= 'z' ? static_cast<char>(*c - 'a' + 'A') : *c;
    ::cap_free(name);
    names += "    \"" + upper + "\",\n";
  }
  return "constexpr std::string_view capabilities[] = {\n" + names + "};\n";
}

std::string source() {
  const scmp_version* const version = ::seccomp_version();
  return "// Written by agentsafe-library-tables.\n#include \"runtime/security/library_tables.h\"\n\n"
         "namespace agentsafe::security {\nnamespace {\n\n" +
         syscall_tables() + "\n" + capability_table() +
         "\n}  // namespace\n\nstd::span<const SyscallRow> syscall_rows() { return rows; }\n"
         "std::string_view syscall_names() { return names; }\n"
         "std::span<const std::string_view> libcap_names() { return capabilities; }\n"
         "std::string_view libseccomp_version() { return \"" +
         std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->micro) +
         "\"; }\n\n}  // namespace agentsafe::security\n";
}

}  // namespace
}  // namespace agentsafe::security

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ofstream output(argv[1]);
  output << agentsafe::security::source() << std::flush;
  return output ? 0 : 1;
}
