#include "oci/spec_json.h"

namespace agentsafe::oci {

Spec read_spec(std::string_view text) { return json::read<Spec>(text); }
Process read_process(std::string_view text) { return json::read<Process>(text); }
Resources read_resources(std::string_view text) { return json::read<Resources>(text); }
std::string to_json(const Spec& spec, unsigned indent) { return json::write(spec, indent); }

}  // namespace agentsafe::oci
