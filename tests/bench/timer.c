// Times commands against each other: every round runs each of them once, so that whatever disturbs the machine disturbs
// them all, and begins with another one, so that none always comes after the same (whose namespaces the kernel may still
// be taking down).
//
//   timer ROUNDS PAUSE_MS FILE
//
// FILE holds one command a line: a name, then the words, separated by tabs. Per run one line goes to standard output:
// name, wall time in µs from posix_spawn to the end of wait4, peak RSS in KiB of the largest process, tab-separated.
// A command that fails ends it all. Link it statically: RSS is never measured below that of the timer itself.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { max_commands = 32, max_words = 32 };
struct command { char *words[max_words + 1]; };  // words[0] is the name

static char text[65536];
static struct command commands[max_commands];

static int read_commands(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) return -1;
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  int count = 0;
  char *lines = NULL, *words = NULL;
  for (char *line = strtok_r(text, "\n", &lines); line && count < max_commands; line = strtok_r(NULL, "\n", &lines)) {
    int n = 0;
    for (char *word = strtok_r(line, "\t", &words); word && n < max_words; word = strtok_r(NULL, "\t", &words))
      commands[count].words[n++] = word;
    if (n >= 2) ++count;
  }
  return count;
}

static long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// Prints its line and returns 0, or says what went wrong.
static int run(const struct command *command, const posix_spawn_file_actions_t *actions, char **environment) {
  pid_t pid = 0;
  int status = 0;
  struct rusage usage;
  long started = microseconds();
  int error = posix_spawn(&pid, command->words[1], actions, NULL, command->words + 1, environment);
  if (error != 0) {
    fprintf(stderr, "timer: %s: %s\n", command->words[1], strerror(error));
    return 1;
  }
  while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) continue;
  long took = microseconds() - started;
  if (status != 0) {
    fprintf(stderr, "timer: %s: wait status %#x\n", command->words[0], (unsigned)status);
    return 1;
  }
  printf("%s\t%ld\t%ld\n", command->words[0], took, usage.ru_maxrss);
  return 0;
}

int main(int argc, char **argv, char **environment) {
  if (argc != 4) {
    fprintf(stderr, "usage: timer ROUNDS PAUSE_MS FILE\n");
    return 2;
  }
  int rounds = atoi(argv[1]), pause_ms = atoi(argv[2]), count = read_commands(argv[3]);
  if (count < 1) {
    fprintf(stderr, "timer: %s: no commands\n", argv[3]);
    return 2;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  const struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000L};
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < count; ++i) {
      if (pause_ms > 0) nanosleep(&pause, NULL);
      if (run(&commands[(round + i) % count], &actions, environment) != 0) return 1;
    }
  }
  return 0;
}
