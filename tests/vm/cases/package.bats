#!/usr/bin/env bats
# The Debian package: installed, used, removed, and nothing of it left. Runs in the virtual machine, with the package in
# /opt/suite/package.deb (PACKAGE of tests/vm/run.sh).
bats_require_minimum_version 1.5.0
load helpers

DEB=${DEB:-/opt/suite/package.deb}

setup_file() {
  [ -s "$DEB" ] || skip "no package: PACKAGE=/path/agentsafe_VERSION_ARCH.deb tests/vm/run.sh package"
  ! dpkg-query -W agentsafe >/dev/null 2>&1 || skip "a package agentsafe is installed on this host"
  [ ! -e /etc/agentsafe ] || mv /etc/agentsafe "$BATS_FILE_TMPDIR/settings" # the suite's own: purged they would be gone
  find /run -maxdepth 1 -type d -name 'agentsafe*' -empty -delete # of suites before
  everything >"$BATS_FILE_TMPDIR/before"
}
teardown_file() {
  [ -e "$BATS_FILE_TMPDIR/before" ] || return 0
  docker rm --force at-package >/dev/null 2>&1 || :
  ! dpkg-query -W agentsafe >/dev/null 2>&1 || dpkg --purge agentsafe
  [ ! -e "$BATS_FILE_TMPDIR/settings" ] || mv "$BATS_FILE_TMPDIR/settings" /etc/agentsafe
}

# Files of the host, but dpkg's own lists and what engines, the journal and the suite write at any time.
# debhelper's scripts remove /etc/apparmor.d/disable, which is AppArmor's, when it is empty.
# AppArmor's profile stays loaded until the next boot: unloaded it would no longer confine who runs under it.
everything() {
  find / -xdev \( -path /opt -o -path /tmp -o -path /var/tmp -o -path /var/lib/docker -o -path /var/lib/containerd \
    -o -path /var/lib/systemd -o -path '/var/lib/dpkg/*-old' -o -path /etc/apparmor.d/disable \) -prune -o -print
  find /run /sys/fs/cgroup -path '*agentsafe*' 2>/dev/null
}

has_runtime() { docker info --format '{{json .Runtimes}}' | jq -e --arg name "$1" 'has($name)'; }

# The working folder is a bundle of busybox.
bundle() {
  install -d "$BATS_TEST_TMPDIR/bundle/rootfs/bin"
  cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/bundle/rootfs/bin/"
  cd "$BATS_TEST_TMPDIR/bundle"
  /usr/bin/agentsafe spec
  jq '.process.terminal = false | .process.args = ["/bin/busybox", "true"]' config.json >new && mv new config.json
}

@test "package: it installs, and its program is the one that is found" {
  dpkg --install "$DEB"
  equal /usr/bin/agentsafe "$(PATH=/usr/bin command -v agentsafe)"
  /usr/bin/agentsafe --version
  [ -z "$(dpkg --verify agentsafe)" ]
  grep -q '^agentsafe-container ' /sys/kernel/security/apparmor/profiles
}

@test "package: containers run by it under its AppArmor profile" {
  bundle
  jq '.process.args = ["/bin/busybox", "cat", "/proc/self/attr/current"]
    | .process.apparmorProfile = "agentsafe-container"' config.json >new && mv new config.json
  equal "agentsafe-container (enforce)" "$(/usr/bin/agentsafe run at-package </dev/null)"
}

@test "package: containers run by it under the policy strict" {
  bundle
  /usr/bin/agentsafe --policy strict run at-package </dev/null
}

@test "package: Docker runs containers by the file for it" {
  cp -a /etc/docker/daemon.json "$BATS_TEST_TMPDIR/own"
  jq -s '.[0] * .[1]' "$BATS_TEST_TMPDIR/own" /usr/share/agentsafe/docker/daemon.json >/etc/docker/daemon.json
  jq -e '[.runtimes[] | select(.path == "/usr/bin/agentsafe")] | length == 3' /etc/docker/daemon.json
  systemctl reload docker # which does not wait for it
  eventually has_runtime agentsafe-oci
  run docker run --rm --name at-package --runtime agentsafe-oci busybox echo hello
  cp -a "$BATS_TEST_TMPDIR/own" /etc/docker/daemon.json
  systemctl reload docker
  equal "0 hello" "$status $output"
}

@test "package: removed it leaves its settings, purged it leaves nothing" {
  dpkg --remove agentsafe
  [ ! -e /usr/bin/agentsafe ]
  [ -e /etc/apparmor.d/agentsafe-container ]
  dpkg --purge agentsafe
  everything >"$BATS_TEST_TMPDIR/after"
  diff <(sort "$BATS_FILE_TMPDIR/before") <(sort "$BATS_TEST_TMPDIR/after")
}
