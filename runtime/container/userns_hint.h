// Why a user without privileges was refused something inside the user namespace that was just made for the container.
//
// Ubuntu 23.10 and later let everybody make one, but a program that AppArmor knows no profile of gets one in which no
// capability works: what fails is then the first mount, with "permission denied", which tells nobody anything.
// Source: kernel.apparmor_restrict_unprivileged_userns, apparmor.d(5) "userns".
#pragma once
#include <string>

namespace agentsafe::container {

struct UsernsRestriction {
  std::string sysctl;               // what kernel.apparmor_restrict_unprivileged_userns says; "": there is none
  std::string label;                // our own AppArmor label: "unconfined", "agentsafe (unconfined)"
  std::string max_user_namespaces;  // user.max_user_namespaces
};
[[nodiscard]] UsernsRestriction userns_restriction();

// "" when nothing is known to restrict it; else "; " and the remedy, to be added to an error with this errno.
[[nodiscard]] std::string userns_hint(int error_number, const UsernsRestriction& restriction);

}  // namespace agentsafe::container
