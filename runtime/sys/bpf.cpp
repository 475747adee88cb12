#include "runtime/sys/bpf.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace agentsafe::sys {
namespace {

int bpf(int command, bpf_attr& attributes) noexcept {
  long result = 0;
  do {
    result = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
  } while (result < 0 && (errno == EINTR || errno == EAGAIN));
  return static_cast<int>(result);
}

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

bpf_attr load_attributes(const std::vector<bpf_insn>& program, std::string* log) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address(program.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  attributes.license = address("Apache-2.0");
  if (log != nullptr) {
    attributes.log_level = 1;
    attributes.log_buf = address(log->data());
    attributes.log_size = static_cast<std::uint32_t>(log->size());
  }
  return attributes;
}

void raise_memlock_limit() noexcept {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &unlimited);  // where this is refused, the second load says why
}

[[noreturn]] void fail_load(const std::vector<bpf_insn>& program, int error) {
  std::string log(std::size_t{64} << 10, '\0');
  auto attributes = load_attributes(program, &log);
  const UniqueFd unexpected(bpf(BPF_PROG_LOAD, attributes));
  log.resize(log.find('\0') == std::string::npos ? log.size() : log.find('\0'));
  const auto said = text::trim(log);
  const std::string verifier = said.empty() ? "" : " (verifier: " + text::escaped(said.substr(0, 500)) + ")";
  fail_errno("bpf(BPF_PROG_LOAD, cgroup device)" + verifier, error);
}

}  // namespace

UniqueFd bpf_load_device_program(const std::vector<bpf_insn>& program) {
  auto attributes = load_attributes(program, nullptr);
  UniqueFd fd(bpf(BPF_PROG_LOAD, attributes));
  if (!fd && errno == EPERM) {
    raise_memlock_limit();
    fd = UniqueFd(bpf(BPF_PROG_LOAD, attributes));
  }
  if (!fd) fail_load(program, errno);
  return fd;
}

void bpf_attach_device_program(FdRef cgroup, FdRef program) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attributes) != 0) fail_errno("bpf(BPF_PROG_ATTACH, cgroup device)");
}

}  // namespace agentsafe::sys
