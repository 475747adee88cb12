#include "runtime/bridge/image.h"

// Written by base/embed.py around `.incbin`.
extern "C" {
extern const char agentsafe_bridge_image[] __attribute__((visibility("hidden")));
extern const char agentsafe_bridge_image_end[] __attribute__((visibility("hidden")));
}

namespace agentsafe::bridge {

std::string_view bridge_image() {
  return {agentsafe_bridge_image, static_cast<std::size_t>(agentsafe_bridge_image_end - agentsafe_bridge_image)};
}

}  // namespace agentsafe::bridge
