// POSIX extended regular expressions over bytes, matched in time linear in the text. Without back references, which
// POSIX leaves out as well, and without locales: [[:alpha:]] is ASCII's, [[.x.]] and [[=x=]] are refused.
//
//   const Expression web("^web-[0-9]+$");   // throws Error: "unmatched ("
//   if (web.found_in("web-12")) …
//
// Source: regex(7). In place of regcomp(3), which brings 150 KB of locales and wide characters into a static program.
#pragma once
#include <bitset>
#include <string_view>
#include <vector>

namespace agentsafe {

class Expression {
 public:
  explicit Expression(std::string_view text);
  [[nodiscard]] bool found_in(std::string_view text) const;

  struct Step {
    enum class Kind { one_of, fork, jump, at_start, at_end, matched };
    Kind kind = Kind::matched;
    int to = 0;                // jump: so many steps on; fork: there, and to the next
    std::bitset<256> bytes{};  // one_of
  };

 private:
  std::vector<Step> steps_;
};

}  // namespace agentsafe
