// The functions behind the table's rows, one file each; they turn arguments into a request of the container layer.
#pragma once

namespace agentsafe::cli {

struct Invocation;

int checkpoint(const Invocation& invocation);
int create(const Invocation& invocation);
int delete_(const Invocation& invocation);
int egress(const Invocation& invocation);
int events(const Invocation& invocation);
int exec(const Invocation& invocation);
int features(const Invocation& invocation);
int kill(const Invocation& invocation);
int list(const Invocation& invocation);
int pause(const Invocation& invocation);
int policy(const Invocation& invocation);
int ps(const Invocation& invocation);
int restore(const Invocation& invocation);
int resume(const Invocation& invocation);
int run(const Invocation& invocation);
int seccomp(const Invocation& invocation);
int spec(const Invocation& invocation);
int start(const Invocation& invocation);
int state(const Invocation& invocation);
int update(const Invocation& invocation);

int why(const Invocation& invocation);

}  // namespace agentsafe::cli
