#!/bin/bash
# From a fresh Debian 12 or 13 to a running container, as root: installs the build dependencies (apt, only what is missing),
# builds into ./build, makes a bundle from busybox-static and runs it, showing what the container sees of itself.
# May be run again; leaves only ./build behind.      BUILD=/folder contrib/quickstart.sh
set -eu
top=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$top"
. contrib/packages.sh
build=${BUILD:-$top/build}
work='' id=quickstart-$$

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

clean_up() {
  [ -n "$work" ] || return 0
  [ ! -d "$work/state/$id" ] || "$build/agentsafe" --root "$work/state" --policy oci delete --force "$id"
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

build_agentsafe() {
  say "Build dependencies"
  # shellcheck disable=SC2086 # names
  install_packages $BUILD_PACKAGES jq
  say "Build into $build"
  [ -e "$build/build.ninja" ] || meson setup "$build" -Dtests=disabled
  ninja -C "$build" agentsafe || ninja -C "$build"
  "$build/agentsafe" --version
}

# A root file system is a folder: busybox, a link for each of its commands, and mount points.
make_bundle() {
  say "A bundle from busybox-static: $work/bundle"
  local rootfs=$work/bundle/rootfs applet
  mkdir -p "$rootfs"/{bin,dev,etc,proc,sys,tmp,root}
  cp "$(command -v busybox)" "$rootfs/bin/busybox"
  for applet in $("$rootfs/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$rootfs/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$rootfs/etc/passwd"
  cp "$top/contrib/quickstart/inside.sh" "$rootfs/inside.sh"
  "$build/agentsafe" spec --bundle "$work/bundle"
  jq --arg cgroup "/$id" '.process.terminal = false
    | .process.args = ["sh", "/inside.sh"]
    | .process.user = {uid: 65534, gid: 65534}
    | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 256, hard: 256}]
    | .hostname = "quickstart"
    | .linux.cgroupsPath = $cgroup
    | .linux.resources.pids = {limit: 64}
    | .linux.resources.memory = {limit: 67108864}' "$work/bundle/config.json" >"$work/config.json"
  mv "$work/config.json" "$work/bundle/config.json"
}

run_bundle() {
  say "agentsafe --policy oci run --bundle $work/bundle $id"
  "$build/agentsafe" --root "$work/state" --policy oci run --bundle "$work/bundle" "$id" </dev/null
}

build_agentsafe
work=$(mktemp -d /tmp/agentsafe-quickstart.XXXXXX)
chmod 0711 "$work"
make_bundle
run_bundle
say "Done: the container has ended and nothing is left of it. The program is $build/agentsafe; README.md shows what next."
