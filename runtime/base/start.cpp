// The start of a static program of ours, in place of glibc's __libc_start_main. glibc's asks the processor about its
// caches and features with some eighty cpuid instructions to choose the fastest memcpy(3); a virtual machine traps
// each, which took 0.27 ms of the 0.39 that an empty static program lives. Without them the baseline's functions (SSE2)
// are chosen. It also leaves out what our programs have no use for: LD_* and GLIBC_TUNABLES variables, $ORIGIN,
// locales, threads.
//
// x86-64 and glibc alone; meson links and runs a program with it first (start_probe.cpp), and keeps the C
// library's own start where that fails. Linked into the programs themselves (meson: `terse`).
#include <elf.h>
#include <link.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

extern "C" {

using Function = void (*)(int, char**, char**);
#define AGENTSAFE_INSIDE [[gnu::visibility("hidden")]] extern

// glibc's parts of a static start, in this order: what the kernel said, our own addresses, the thread's memory.
[[gnu::visibility("hidden")]] void _dl_aux_init(ElfW(auxv_t) *);
[[gnu::visibility("hidden")]] void _dl_relocate_static_pie();
[[gnu::visibility("hidden")]] void __libc_setup_tls();
AGENTSAFE_INSIDE void* __libc_stack_end;
AGENTSAFE_INSIDE void* _dl_random;  // 16 bytes of the kernel
AGENTSAFE_INSIDE const ElfW(Phdr) * _dl_phdr;
AGENTSAFE_INSIDE std::size_t _dl_phnum;
// ld(1)
AGENTSAFE_INSIDE const ElfW(Ehdr) __ehdr_start;
AGENTSAFE_INSIDE const Function __preinit_array_start[];
AGENTSAFE_INSIDE const Function __preinit_array_end[];
AGENTSAFE_INSIDE const Function __init_array_start[];
AGENTSAFE_INSIDE const Function __init_array_end[];
#undef AGENTSAFE_INSIDE

// Measures of the processor that glibc's start would fill in, read by its memcpy(3): from where on to write past the
// caches.
[[gnu::visibility("hidden")]] long __x86_shared_non_temporal_threshold = 0xc0000;
[[gnu::visibility("hidden")]] long __x86_rep_movsb_threshold = 2048;
[[gnu::visibility("hidden")]] long __x86_rep_movsb_stop_threshold = 0xc0000;
[[gnu::visibility("hidden")]] long __x86_rep_stosb_threshold = 2048;
[[gnu::visibility("hidden")]] long __x86_data_cache_size_half = 16 * 1024;
[[gnu::visibility("hidden")]] long __x86_data_cache_size = 32 * 1024;
[[gnu::visibility("hidden")]] long __x86_shared_cache_size_half = 512 * 1024;
[[gnu::visibility("hidden")]] long __x86_shared_cache_size = 1024 * 1024;
[[gnu::visibility("hidden")]] int __x86_string_control = 0;

// For exceptions: where the tables of the one module are. glibc's own answers need the parts of its start that are left
// out. libgcc asks the first function where glibc has it (2.35), else the second.
#ifdef DLFO_STRUCT_HAS_EH_DBASE
int _dl_find_object(void* address, dl_find_object* found) noexcept {
  const auto base = reinterpret_cast<std::uintptr_t>(&__ehdr_start);
  std::uintptr_t end = base;
  *found = {};
  for (const auto& segment : std::span(_dl_phdr, _dl_phnum)) {
    if (segment.p_type == PT_LOAD) end = base + segment.p_vaddr + segment.p_memsz;
    if (segment.p_type == PT_GNU_EH_FRAME) found->dlfo_eh_frame = reinterpret_cast<void*>(base + segment.p_vaddr);
  }
  found->dlfo_map_start = reinterpret_cast<void*>(base);
  found->dlfo_map_end = reinterpret_cast<void*>(end);
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  return wanted >= base && wanted < end && found->dlfo_eh_frame != nullptr ? 0 : -1;
}
#endif

int dl_iterate_phdr(int (*visit)(dl_phdr_info*, std::size_t, void*), void* data) {
  dl_phdr_info info{};
  info.dlpi_addr = reinterpret_cast<ElfW(Addr)>(&__ehdr_start);
  info.dlpi_name = "";
  info.dlpi_phdr = _dl_phdr;
  info.dlpi_phnum = static_cast<ElfW(Half)>(_dl_phnum);
  info.dlpi_adds = 1;
  return visit(&info, sizeof info, data);
}

// _start of rcrt1.o calls it. Nothing that has an address in a table may be used before the relocation, and no function
// with a stack protector before the thread's memory is there.
[[noreturn, gnu::no_stack_protector, gnu::visibility("hidden")]] int __libc_start_main(int (*main)(int, char**, char**),
                                                                                       int argc, char** argv,
                                                                                       void (*)(), void (*)(),
                                                                                       void (*)(), void* stack_end) {
  char** const env = argv + argc + 1;
  __environ = env;
  __libc_stack_end = stack_end;
  char** end = env;
  while (*end != nullptr) ++end;
  _dl_aux_init(reinterpret_cast<ElfW(auxv_t)*>(end + 1));
  _dl_relocate_static_pie();
  __libc_setup_tls();
  std::uint64_t guard[2];  // of the stack, and of the addresses in jmp_buf; a zero byte ends strings that run over
  std::memcpy(guard, _dl_random, sizeof guard);
  asm volatile("movq %0, %%fs:0x28\n\tmovq %1, %%fs:0x30" : : "r"(guard[0] & ~std::uint64_t{0xff}), "r"(guard[1]));
  __libc_single_threaded = 1;
  for (const Function* f = __preinit_array_start; f != __preinit_array_end; ++f) (*f)(argc, argv, env);
  for (const Function* f = __init_array_start; f != __init_array_end; ++f) (*f)(argc, argv, env);
  std::exit(main(argc, argv, env));
}

}  // extern "C"
