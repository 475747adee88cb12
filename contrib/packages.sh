# shellcheck shell=bash disable=SC2034
# Sourced by test.sh and quickstart.sh: installs the packages named that are not there yet (Debian 12 and 13, as root).
# A name that ends in "?" exists in some Debian releases only: it is taken where it does.
BUILD_PACKAGES="g++ lld meson ninja-build pkg-config libseccomp-dev libcap-dev libyajl-dev libmnl-dev
  libboost-program-options-dev busybox-static"

installed() { [ "$(dpkg-query -Wf '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
available() { apt-cache policy "$1" 2>/dev/null | grep Candidate: | grep -qv '(none)'; }

install_packages() {
  local package missing=() wanted=()
  for package in "$@"; do
    installed "${package%\?}" && continue
    # a host that has been set up before does not ask the network for what does not exist
    case $package in *\?) available "${package%\?}" || [ ! -e /var/cache/apt/pkgcache.bin ] || continue ;; esac
    missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  [ "$(id -u)" -eq 0 ] || { echo "missing, and only root can install them: ${missing[*]}" >&2; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q </dev/null || return
  for package in "${missing[@]}"; do
    case $package in *\?) available "${package%\?}" || continue ;; esac
    wanted+=("${package%\?}")
  done
  [ ${#wanted[@]} -eq 0 ] && return
  echo "installing: ${wanted[*]}"
  # services are not started: the suites start engines of their own
  local policy=/usr/sbin/policy-rc.d made='' status=0
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=yes; }
  apt-get install -qy --no-install-recommends "${wanted[@]}" </dev/null || status=$?
  [ -z "$made" ] || rm $policy
  return $status
}
