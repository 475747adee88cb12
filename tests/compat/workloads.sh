# What is run in the containers: one function per workload, in bash. 77: not possible on this host.

needs() { command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; exit 77; }; }
set -e

work_venv() {
  python3 -m venv /workspace/venv
  /workspace/venv/bin/pip install -q --disable-pip-version-check --index-url "http://$SERVER/simple" --trusted-host "$SERVER" agent-package
  [ "$(/workspace/venv/bin/python -c 'import agent_package; print(agent_package.answer())')" = 42 ]
}
work_git_https() {
  git -c http.sslCAInfo=/etc/server.pem clone -q "https://$SERVER/repo.git" clone
  cd clone
  [ -s main.c ]
  git -c http.sslCAInfo=/etc/server.pem fetch -q origin
  git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m second
}
work_git_ssh() {
  local folder
  folder=$(sed -n 's/^REPOSITORY=//p' /etc/compat)
  git clone -q "ssh://root@$SERVER:2222$folder" clone
  cd clone
  git checkout -q -b "branch-$RANDOM$RANDOM"
  git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m second
  git push -q origin HEAD
}
work_make() {
  local i
  for i in 1 2 3 4 5 6 7 8; do echo "int f$i(void) { return $i; }" >"f$i.c"; done
  printf 'int f8(void);\nint main(void) { return f8() - 8; }\n' >main.c
  printf 'all: main\nmain: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\tgcc -o $@ $^\n' >Makefile
  make -j4
  ./main
}
work_cmake() {
  needs cmake
  printf 'int main(void) { return 0; }\n' >main.c
  printf 'cmake_minimum_required(VERSION 3.10)\nproject(p C)\nadd_executable(main main.c)\nenable_testing()\nadd_test(NAME t COMMAND main)\n' >CMakeLists.txt
  cmake -B build && cmake --build build && cd build && ctest
}
work_apt() {
  echo "deb [trusted=yes] http://$SERVER/debian ./" >/etc/apt/sources.list
  apt-get update
  apt-get install -y --no-install-recommends agent-package
  [ "$(cat /opt/agent-file)" = installed ]
  [ "$(stat -c %u /opt/agent-file)" = 1000 ]
}
work_strace() {
  needs strace
  strace -f -o trace sh -c 'cat /etc/hosts >/dev/null & wait'
  grep -q 'openat.*hosts' trace
}
work_gdb() {
  needs gdb
  printf 'int twice(int x) { return 2 * x; }\nint main(void) { return twice(21) - 42; }\n' >main.c
  gcc -g -O0 -o main main.c
  gdb -batch -ex 'break twice' -ex run -ex backtrace -ex 'print x' -ex finish ./main >out 2>&1 || { cat out; return 1; }
  grep -q '= 21' out && grep -q 'main ()' out || { cat out; return 1; }
}
work_tmux() {
  needs tmux
  export LANG=C.UTF-8
  tmux new-session -d -s one 'echo first >/workspace/first; sleep 30'
  tmux new-window -t one 'echo second >/workspace/second; sleep 30'
  for _ in $(seq 100); do [ -s first ] && [ -s second ] && break; sleep 0.1; done
  [ "$(tmux list-windows -t one | wc -l)" = 2 ]
  tmux kill-server
  [ -s first ] && [ -s second ]
}
work_pty() {
  python3 - <<'PY'
import fcntl, os, pty, struct, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "tty; stty size; read line; echo got $line"])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
os.write(master, b"typed\n")
text = b""
try:
    while chunk := os.read(master, 1000):
        text += chunk
except OSError:
    pass
assert b"/dev/pts/" in text and b"got typed" in text, text
assert os.waitpid(pid, 0)[1] == 0
PY
}
work_multiprocessing() {
  cat >pool.py <<'PY'
import multiprocessing as mp
from multiprocessing import shared_memory

def square(x):
    return x * x

def fill(name, queue, lock):
    block = shared_memory.SharedMemory(name)
    with lock:
        block.buf[0] = 7
    block.close()
    queue.put("filled")

if __name__ == "__main__":
    with mp.Pool(4) as pool:
        assert sum(pool.map(square, range(100))) == 328350
    block = shared_memory.SharedMemory(create=True, size=32 << 20)
    queue, lock = mp.Queue(), mp.Lock()
    child = mp.get_context("spawn").Process(target=square, args=(2,))
    child.start()
    child.join()
    assert child.exitcode == 0
    child = mp.Process(target=fill, args=(block.name, queue, lock))
    child.start()
    assert queue.get(timeout=20) == "filled"
    child.join()
    assert block.buf[0] == 7
    block.close()
    block.unlink()
PY
  python3 pool.py
}
work_inotify() {
  python3 - <<'PY'
import ctypes, os, select
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.inotify_init1(os.O_CLOEXEC)
assert fd >= 0 and libc.inotify_add_watch(fd, b"/workspace", 0x00000100) >= 0  # IN_CREATE
open("/workspace/made", "w").close()
assert select.select([fd], [], [], 10)[0] and b"made" in os.read(fd, 4096)
PY
}
work_servers() {
  python3 - <<'PY'
import asyncio, os, socket, threading

def talk(family, kind, address):
    server = socket.socket(family, kind)
    server.bind(address)
    client = socket.socket(family, kind)
    client.settimeout(10)
    if kind == socket.SOCK_STREAM:
        server.listen()
        client.connect(server.getsockname())
        peer, _ = server.accept()
    else:
        client.connect(server.getsockname())
        peer = server
    client.sendall(b"hello")
    assert peer.recv(10) == b"hello"

for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    talk(socket.AF_UNIX, kind, f"/workspace/socket-{int(kind)}")
    talk(socket.AF_INET, kind, ("127.0.0.1", 0))
    talk(socket.AF_INET6, kind, ("::1", 0))
talk(socket.AF_UNIX, socket.SOCK_STREAM, "\0abstract")
talk(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 80))

async def main():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for _ in range(50):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"line\n")
        assert await reader.readline() == b"line\n"
        writer.close()
asyncio.run(main())
assert socket.if_nameindex()  # netlink
PY
}
work_users() {
  touch of-root
  chown 1000:1000 of-root
  chmod 600 of-root
  setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'echo mine >/workspace/of-root && id -u' | grep -qx 1000
  [ "$(cat of-root)" = mine ]
  setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'sleep 60' &
  sleep 0.2
  kill %1
}
work_npm() {
  needs npm
  npm config set registry "http://$SERVER/npm/" && npm config set audit false && npm config set fund false && npm config set update-notifier false
  echo '{"name": "app", "version": "1.0.0"}' >package.json
  npm install --no-progress agent-package
  [ "$(node -p 'require("agent-package")')" = 42 ]
  [ -s node_modules/agent-package/built ]
}
work_go() {
  needs go
  export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local
  printf 'module example.org/app\ngo 1.19\n' >go.mod
  printf 'package main\nimport "fmt"\nfunc twice(x int) int { return 2 * x }\nfunc main() { fmt.Println(twice(21)) }\n' >main.go
  printf 'package main\nimport "testing"\nfunc TestTwice(t *testing.T) { if twice(2) != 4 { t.Fail() } }\n' >main_test.go
  go build -o app .
  [ "$(./app)" = 42 ]
  go test .
}
work_cargo() {
  needs cargo
  cargo new -q --vcs none app && cd app && cargo build -q --offline && [ "$(./target/debug/app)" = 'Hello, world!' ]
}
work_java() {
  needs javac
  printf 'public class Main { public static void main(String[] a) { long s = 0; for (int i = 0; i < 50000000; i++) s += i %% 7; System.out.println(s); } }\n' >Main.java
  javac Main.java
  java -XX:+PrintCompilation Main >out
  grep -q 'Main::main' out
}
work_chromium() {
  needs chromium
  chown 1000:1000 /workspace
  cd /workspace
  # not --no-sandbox: a zygote that cannot make its namespaces ends the browser
  HOME=/home/user timeout 200 setpriv --reuid 1000 --regid 1000 --clear-groups chromium --headless --disable-gpu --no-first-run \
    --disable-background-networking --user-data-dir=/home/user/profile --screenshot=/workspace/page.png --window-size=400,300 "http://$SERVER/page.html"
  head -c 8 page.png | od -An -tx1 | grep -q '89 50 4e 47 0d 0a 1a 0a'
  [ "$(stat -c %s page.png)" -gt 500 ]
}
