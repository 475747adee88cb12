// The counters of a packet filter as JSON: for `egress show --json` and `events`.
//   {"accepted":{"packets":3,"bytes":180},"refused":{…},"rules":[{"rule":"egress.allow","packets":1,"bytes":60},…]}
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "oci/json.h"
#include "runtime/net/nft_load.h"

namespace agentsafe::container {

struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};
// What left, and what was refused; rules that only pass on to others are in neither.
struct EgressTraffic {
  Traffic accepted;
  Traffic refused;
  std::vector<net::nft::RuleCount> rules;
};
[[nodiscard]] EgressTraffic traffic_of(const std::vector<net::nft::RuleCount>& counts);

// `rules`: the policy's egress object.
[[nodiscard]] std::string egress_report_json(const std::string& id, const std::string& rules,
                                             const std::vector<net::nft::RuleCount>& counts);

}  // namespace agentsafe::container

// The tables of JSON members; for whoever writes a struct that holds these.
namespace agentsafe::json {
template <>
inline constexpr auto fields<container::Traffic> =
    std::tuple{required("packets", &container::Traffic::packets), required("bytes", &container::Traffic::bytes)};
template <>
inline constexpr auto fields<net::nft::RuleCount> =
    std::tuple{required("rule", &net::nft::RuleCount::rule), required("packets", &net::nft::RuleCount::packets),
               required("bytes", &net::nft::RuleCount::bytes)};
template <>
inline constexpr auto fields<container::EgressTraffic> = std::tuple{
    required("accepted", &container::EgressTraffic::accepted), required("refused", &container::EgressTraffic::refused),
    required("rules", &container::EgressTraffic::rules)};
}  // namespace agentsafe::json
