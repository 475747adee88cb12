// From a bundle to a plan: what create, run and restore decide before anything is done.
//
//   Creation creation = plan_creation(runtime, request, plan::Mode::create);
//   Record record = first_record(creation);
#pragma once
#include <string>

#include "oci/bundle.h"
#include "runtime/container/requests.h"
#include "runtime/container/store.h"
#include "runtime/plan/plan.h"
#include "runtime/process/ahead.h"
#include "runtime/policy/harden.h"
#include "runtime/policy/sources.h"

namespace agentsafe::container {

struct Creation {
  Runtime& runtime;
  const CreateRequest& request;
  oci::Bundle bundle;
  policy::Resolved policy;
  policy::Hardened hardened;  // but its spec, which the bundle has now
  plan::Plan plan;
};

// Throws for a bundle that is not valid, that its policy refuses or that cannot be run on this host.
// `ahead` hears of it as soon as a network namespace is wanted; may be null.
[[nodiscard]] Creation plan_creation(Runtime& runtime, const CreateRequest& request, plan::Mode mode,
                                     process::Ahead* ahead = nullptr);
[[nodiscard]] std::string dry_run_text(const Creation& creation);
// The facts to keep of it; without its process.
[[nodiscard]] Record first_record(const Creation& creation);
// Whether terminal, console socket and detaching go together; in runc's words.
void check_terminal(const Creation& creation, bool detached);
// prestart and createRuntime.
void run_host_hooks(const Creation& creation, const Record& record);

}  // namespace agentsafe::container
