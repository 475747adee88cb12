# The servers that stand for registries. Sourced by run.sh; all listen on $SERVER in the namespace $net-out.

in_servers() { ip netns exec "$net-out" "$@"; }
# serve NAME COMMAND…: in the background; its own pid, which finish() ends, is in NAME.pid.
serve() {
  local name=$1
  shift
  (exec ip netns exec "$net-out" "$@" >"$work/$name.log" 2>&1) &
  echo $! >"$work/$name.pid"
}

make_certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=server.test -addext subjectAltName=DNS:server.test \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
  cp "$work/cert.pem" "$work/rootfs/etc/server.pem"
}

make_git() {
  git init -q -b main "$work/www/project.git/work" &&
    (cd "$work/www/project.git/work" && echo 'int main(void) { return 0; }' >main.c && git add . &&
      git -c user.name=t -c user.email=t@example.org commit -qm first) &&
    git clone -q --bare "$work/www/project.git/work" "$work/www/repo.git" && git -C "$work/www/repo.git" update-server-info
  rm -rf "$work/www/project.git"
}

# A package for pip, npm and apt each, and their indexes.
make_packages() { python3 "$here/registry.py" "$work/www" "$SERVER"; }

make_ssh() {
  mkdir -p "$work/ssh" /run/sshd "$work/rootfs/root/.ssh"
  ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host" && ssh-keygen -q -t ed25519 -N '' -f "$work/rootfs/root/.ssh/id_ed25519"
  cp "$work/rootfs/root/.ssh/id_ed25519.pub" "$work/ssh/authorized"
  echo "[server.test]:2222 $(cut -d' ' -f1,2 "$work/ssh/host.pub")" >"$work/rootfs/root/.ssh/known_hosts"
  chmod 700 "$work/rootfs/root/.ssh"
  cat >"$work/ssh/config" <<C
Port 2222
ListenAddress $SERVER
HostKey $work/ssh/host
AuthorizedKeysFile $work/ssh/authorized
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PidFile none
C
}

start_servers() {
  mkdir -p "$work/www"
  echo '<html><body style="background:#08f"><h1>page</h1></body></html>' >"$work/www/page.html"
  make_certificate && make_git && make_packages && make_ssh || return 1
  serve http /usr/bin/python3 "$here/serve.py" "$SERVER" "$work/www" "$work"
  serve ssh /usr/sbin/sshd -D -e -f "$work/ssh/config"
  local i
  for i in $(seq 100); do
    in_servers bash -c "exec 3<>/dev/tcp/$SERVER/80 && exec 3<>/dev/tcp/$SERVER/443 && exec 3<>/dev/tcp/$SERVER/2222" 2>/dev/null && return
    sleep 0.1
  done
  echo "the servers do not answer" >&2
  return 1
}
