// The start of a static program of ours, in place of glibc's. glibc's asks the processor about its caches and features
// with some eighty cpuid instructions to choose the fastest memcpy(3); a virtual machine traps each, which took 0.27 ms
// of the 0.39 that an empty static program lives. Without them the baseline's functions (SSE2) are chosen. Its
// relocation and its threads bring the loading of libraries along, 50 KB that are copied for every container. What is
// left here: our own addresses, one thread's memory, constructors. LD_* and GLIBC_TUNABLES variables, $ORIGIN and
// locales are not looked at.
//
// x86-64 and glibc alone; meson links and runs a program with it first (start_probe.cpp), and keeps the C library's own
// start where that fails. Linked into the programs themselves (meson: `terse`).
#include <asm/prctl.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {

using Function = void (*)(int, char**, char**);
#define AGENTSAFE_LINKED [[gnu::visibility("hidden")]] extern  // by ld(1)
AGENTSAFE_LINKED const ElfW(Ehdr) __ehdr_start;
AGENTSAFE_LINKED const Function __preinit_array_start[];
AGENTSAFE_LINKED const Function __preinit_array_end[];
AGENTSAFE_LINKED const Function __init_array_start[];
AGENTSAFE_LINKED const Function __init_array_end[];
#undef AGENTSAFE_LINKED

// What glibc's start would fill in: measures of the processor that its memcpy(3) reads (from where on to write past the
// caches), its features, the size of a page, the kernel's functions in user space (none: system calls do). Weak: where
// the linker needs glibc's own, those stand.
#define AGENTSAFE_STANDS_IN [[gnu::weak, gnu::visibility("hidden")]]
AGENTSAFE_STANDS_IN long __x86_shared_non_temporal_threshold = 0xc0000;
AGENTSAFE_STANDS_IN long __x86_memset_non_temporal_threshold = 0xc0000;
AGENTSAFE_STANDS_IN long __x86_rep_movsb_threshold = 2048;
AGENTSAFE_STANDS_IN long __x86_rep_movsb_stop_threshold = 0xc0000;
AGENTSAFE_STANDS_IN long __x86_rep_stosb_threshold = 2048;
AGENTSAFE_STANDS_IN long __x86_data_cache_size_half = 16 * 1024;
AGENTSAFE_STANDS_IN long __x86_data_cache_size = 32 * 1024;
AGENTSAFE_STANDS_IN long __x86_shared_cache_size_half = 512 * 1024;
AGENTSAFE_STANDS_IN long __x86_shared_cache_size = 1024 * 1024;
AGENTSAFE_STANDS_IN int __x86_string_control = 0;
AGENTSAFE_STANDS_IN char _dl_x86_cpu_features[1024] = {};  // larger than glibc's: no feature
AGENTSAFE_STANDS_IN std::size_t _dl_pagesize = 4096;
AGENTSAFE_STANDS_IN int (*_dl_vdso_clock_gettime64)(clockid_t, timespec*) = nullptr;
AGENTSAFE_STANDS_IN int (*_dl_vdso_gettimeofday)(timeval*, void*) = nullptr;
AGENTSAFE_STANDS_IN time_t (*_dl_vdso_time)(time_t*) = nullptr;
AGENTSAFE_STANDS_IN int (*_dl_vdso_clock_getres_time64)(clockid_t, timespec*) = nullptr;
AGENTSAFE_STANDS_IN int __nptl_setxid(void*) { std::abort(); }  // tells other threads: there are none
AGENTSAFE_STANDS_IN int pthread_mutex_lock(pthread_mutex_t*) noexcept { return 0; }
AGENTSAFE_STANDS_IN int pthread_mutex_unlock(pthread_mutex_t*) noexcept { return 0; }
#undef AGENTSAFE_STANDS_IN

// The tables of <ctype.h>, which depend on the locale. Nothing here may use them: whoever does gets the C library's own
// __ctype_init as well, and the linker refuses two.
void __ctype_init() {}

}  // extern "C"

namespace {

const ElfW(auxv_t) * said_by_the_kernel = nullptr;  // ends with AT_NULL

// Before the relocation nothing may be used that has an address in a table, before the thread's memory is there no
// function with a stack protector.
#define AGENTSAFE_EARLY [[gnu::no_stack_protector, gnu::noinline]]

std::uintptr_t base() { return reinterpret_cast<std::uintptr_t>(&__ehdr_start); }

struct Segments {
  [[nodiscard]] const ElfW(Phdr) * begin() const {
    return reinterpret_cast<const ElfW(Phdr)*>(::base() + __ehdr_start.e_phoff);
  }
  [[nodiscard]] const ElfW(Phdr) * end() const { return begin() + __ehdr_start.e_phnum; }
};
constexpr Segments segments;

[[noreturn]] void refuse() { __builtin_trap(); }

AGENTSAFE_EARLY long early_call(long number, std::uintptr_t a, std::uintptr_t b, std::uintptr_t c = 0) {  // no errno yet
  asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return number;
}

// The program's pages mapped at once (Linux 5.14; before, nothing happens) instead of by a page fault each, or for each
// sixteen of its text: a fault takes 11 µs in some virtual machines, ten times what the page itself takes.
AGENTSAFE_EARLY void map_at_once(const void* stack) {
  constexpr std::uintptr_t page = 4096, populate_read = 22, populate_write = 23;
  constexpr std::uintptr_t variables = 2 * page, of_stack = 8 * page;  // as much as every verb touches
  std::uintptr_t writable = 0, end = 0;  // what may be written comes last (ld(1))
  for (const auto& segment : segments) {
    if (segment.p_type != PT_LOAD) continue;
    const auto first = base() + segment.p_vaddr;
    if ((segment.p_flags & PF_W) != 0 && writable == 0) writable = first / page * page;
    const auto used = segment.p_memsz > segment.p_filesz + variables ? segment.p_filesz + variables : segment.p_memsz;
    end = (first + used + page - 1) / page * page;
  }
  early_call(SYS_madvise, base(), writable - base(), populate_read);
  early_call(SYS_madvise, writable, end - writable, populate_write);
  const auto top = reinterpret_cast<std::uintptr_t>(stack) / page * page;
  early_call(SYS_madvise, top - of_stack, of_stack, populate_write);
}

// DT_RELR: an address, or a bit for each of the 63 words after the last one.
AGENTSAFE_EARLY void relocate_packed(const std::uintptr_t* entry, std::size_t bytes) {
  std::uintptr_t* where = nullptr;
  for (const auto* const end = entry + bytes / sizeof *entry; entry != end; ++entry) {
    if ((*entry & 1) == 0) {
      where = reinterpret_cast<std::uintptr_t*>(base() + *entry);
      *where++ += base();
      continue;
    }
    std::uintptr_t* each = where;
    for (auto bits = *entry >> 1; bits != 0; bits >>= 1, ++each)
      if ((bits & 1) != 0) *each += base();
    where += 63;
  }
}

AGENTSAFE_EARLY void relocate(std::uintptr_t table, std::size_t bytes, unsigned long type) {
  const auto* const entries = reinterpret_cast<const ElfW(Rela)*>(table);
  for (std::size_t i = 0; i < bytes / sizeof *entries; ++i) {
    const auto& entry = entries[i];
    const auto kind = ELF64_R_TYPE(entry.r_info);
    if (kind != R_X86_64_NONE && kind != R_X86_64_RELATIVE && kind != R_X86_64_IRELATIVE) refuse();
    if (kind != type) continue;
    auto* const where = reinterpret_cast<std::uintptr_t*>(base() + entry.r_offset);
    const auto value = base() + static_cast<std::uintptr_t>(entry.r_addend);
    *where = kind == R_X86_64_RELATIVE ? value : reinterpret_cast<std::uintptr_t (*)()>(value)();
  }
}

struct Tables {
  std::uintptr_t relr = 0, rela = 0, jump = 0;
  std::size_t relr_size = 0, rela_size = 0, jump_size = 0;
};

AGENTSAFE_EARLY Tables tables() {
  Tables found;
  const ElfW(Dyn)* entry = nullptr;
  for (const auto& segment : segments)
    if (segment.p_type == PT_DYNAMIC) entry = reinterpret_cast<const ElfW(Dyn)*>(base() + segment.p_vaddr);
  for (; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_RELA) found.rela = base() + entry->d_un.d_ptr;
    if (entry->d_tag == DT_RELASZ) found.rela_size = entry->d_un.d_val;
    if (entry->d_tag == DT_JMPREL) found.jump = base() + entry->d_un.d_ptr;
    if (entry->d_tag == DT_PLTRELSZ) found.jump_size = entry->d_un.d_val;
    if (entry->d_tag == 36) found.relr = base() + entry->d_un.d_ptr;  // DT_RELR, unknown before glibc 2.36
    if (entry->d_tag == 35) found.relr_size = entry->d_un.d_val;      // DT_RELRSZ
  }
  return found;
}

// The table of the thread, as the processor's ABI and glibc want it: variables end where it begins. glibc's part is
// about 2.3 KB, all zero but these.
struct ThreadTable {
  void* itself;
  void* variables;
  void* itself_again;
  std::uintptr_t unused[2];
  std::uint64_t stack_guard;
  std::uint64_t pointer_guard;
  char of_glibc[4096];
};
constexpr std::size_t variables_size = 4096;
struct alignas(64) ThreadMemory {
  char variables[variables_size];
  ThreadTable table;
} thread_memory;
void* no_modules[2];

AGENTSAFE_EARLY void set_up_thread(const std::uint64_t* random) {
  for (const auto& segment : segments) {
    if (segment.p_type != PT_TLS) continue;
    const std::size_t size = (segment.p_memsz + segment.p_align - 1) / segment.p_align * segment.p_align;
    if (size > variables_size || segment.p_align > alignof(ThreadMemory)) refuse();
    const auto* const from = reinterpret_cast<const char*>(base() + segment.p_vaddr);
    volatile char* const to = thread_memory.variables + variables_size - size;  // no memcpy(3) yet
    for (std::size_t i = 0; i < segment.p_filesz; ++i) to[i] = from[i];
  }
  auto& table = thread_memory.table;
  table.itself = table.itself_again = &table;
  table.variables = no_modules;
  table.stack_guard = random[0] & ~std::uint64_t{0xff};  // a zero byte ends strings that run over
  table.pointer_guard = random[1];
  if (early_call(SYS_arch_prctl, ARCH_SET_FS, reinterpret_cast<std::uintptr_t>(&table)) != 0) refuse();
}

// What has been relocated is not written to again (ld -z relro).
void protect_tables() {
  constexpr std::uintptr_t page = 4096;
  for (const auto& segment : segments) {
    if (segment.p_type != PT_GNU_RELRO) continue;
    const auto first = (base() + segment.p_vaddr) / page * page;
    const auto end = (base() + segment.p_vaddr + segment.p_memsz) / page * page;
    if (::mprotect(reinterpret_cast<void*>(first), end - first, PROT_READ) != 0) refuse();
  }
}

}  // namespace

extern "C" {

// For exceptions: where the tables of the one module are. glibc's own answers need the parts of its start that are left
// out. libgcc asks the first function where glibc has it (2.35), else the second.
#ifdef DLFO_STRUCT_HAS_EH_DBASE
int _dl_find_object(void* address, dl_find_object* found) noexcept {
  std::uintptr_t end = base();
  *found = {};
  for (const auto& segment : segments) {
    if (segment.p_type == PT_LOAD) end = base() + segment.p_vaddr + segment.p_memsz;
    if (segment.p_type == PT_GNU_EH_FRAME) found->dlfo_eh_frame = reinterpret_cast<void*>(base() + segment.p_vaddr);
  }
  found->dlfo_map_start = reinterpret_cast<void*>(base());
  found->dlfo_map_end = reinterpret_cast<void*>(end);
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  return wanted >= base() && wanted < end && found->dlfo_eh_frame != nullptr ? 0 : -1;
}
#endif

int dl_iterate_phdr(int (*visit)(dl_phdr_info*, std::size_t, void*), void* data) {
  dl_phdr_info info{};
  info.dlpi_addr = base();
  info.dlpi_name = "";
  info.dlpi_phdr = segments.begin();
  info.dlpi_phnum = __ehdr_start.e_phnum;
  info.dlpi_adds = 1;
  return visit(&info, sizeof info, data);
}

[[gnu::no_stack_protector, gnu::noinline]] unsigned long getauxval(unsigned long type) noexcept {
  for (const auto* entry = said_by_the_kernel; entry->a_type != AT_NULL; ++entry)
    if (entry->a_type == type) return entry->a_un.a_val;
  return 0;
}

// _start of rcrt1.o calls it.
[[noreturn, gnu::no_stack_protector, gnu::visibility("hidden")]] int __libc_start_main(int (*main)(int, char**, char**),
                                                                                       int argc, char** argv,
                                                                                       void (*)(), void (*)(),
                                                                                       void (*)(), void*) {
  char** const env = argv + argc + 1;
  char** end = env;
  while (*end != nullptr) ++end;
  said_by_the_kernel = reinterpret_cast<const ElfW(auxv_t)*>(end + 1);
  const auto random = getauxval(AT_RANDOM);  // 16 bytes
  if (random == 0) refuse();
  map_at_once(&argc);
  const Tables found = tables();
  relocate_packed(reinterpret_cast<const std::uintptr_t*>(found.relr), found.relr_size);
  relocate(found.rela, found.rela_size, R_X86_64_RELATIVE);
  set_up_thread(reinterpret_cast<const std::uint64_t*>(random));
  // memcpy(3) and its like choose their variant
  relocate(found.rela, found.rela_size, R_X86_64_IRELATIVE);
  relocate(found.jump, found.jump_size, R_X86_64_IRELATIVE);
  protect_tables();
  __environ = env;
  __libc_single_threaded = 1;
  for (const Function* f = __preinit_array_start; f != __preinit_array_end; ++f) (*f)(argc, argv, env);
  for (const Function* f = __init_array_start; f != __init_array_end; ++f) (*f)(argc, argv, env);
  std::exit(main(argc, argv, env));
}

}  // extern "C"
