#include "runtime/container/init_image.h"

// Written by base/embed.py around `.incbin`.
extern "C" {
extern const char agentsafe_init_image[] __attribute__((visibility("hidden")));
extern const char agentsafe_init_image_end[] __attribute__((visibility("hidden")));
}

namespace agentsafe::container {

std::string_view init_image() {
  return {agentsafe_init_image, static_cast<std::size_t>(agentsafe_init_image_end - agentsafe_init_image)};
}

}  // namespace agentsafe::container
