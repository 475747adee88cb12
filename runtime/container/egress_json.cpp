#include "runtime/container/egress_json.h"

#include <algorithm>
#include <iterator>

#include "runtime/net/egress_table.h"

namespace agentsafe::container {

EgressTraffic traffic_of(const std::vector<net::nft::RuleCount>& counts) {
  namespace name = net::rule_name;
  constexpr std::string_view refusing[] = {name::probe, name::resolver,    name::deny, name::denied,
                                           name::bytes, name::connections, name::rest};
  EgressTraffic traffic{{}, {}, counts};
  for (const auto& count : counts) {
    const bool refused = std::ranges::find(refusing, count.rule) != std::end(refusing);
    if (!refused && count.rule != name::accepted) continue;
    Traffic& sum = refused ? traffic.refused : traffic.accepted;
    sum.packets += count.packets;
    sum.bytes += count.bytes;
  }
  return traffic;
}

std::string egress_report_json(const std::string& id, const std::string& rules,
                               const std::vector<net::nft::RuleCount>& counts) {
  return "{\"id\":" + json::write(id) + ",\"egress\":" + rules + ",\"traffic\":" + json::write(traffic_of(counts)) +
         "}";
}

}  // namespace agentsafe::container
