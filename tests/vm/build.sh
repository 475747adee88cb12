#!/bin/bash
# Builds the disk of the virtual machine and saves a booted one: Debian with systemd, pure cgroup v2, AppArmor, Docker,
# containerd with CRI, Podman, buildah, runc, crun, criu (packages.txt), a user for rootless tests, and a small Debian
# with systemd as a root file system (/opt/systemd-rootfs). 8 to 11 minutes on two processors; root only.
#
#   tests/vm/build.sh                    does nothing when there is an image of these very files; --force: anew
#   SUITE=bookworm EXTRA="pkg …" SIZE=6G tests/vm/build.sh
#
# Status: 0; 77 with a last line that says why, where the image cannot be had (no packages, no room); else 1.
# Result: $AGENTSAFE_VM_DIR/SUITE/{vmlinuz,initrd,base.qcow2,packages.txt,warm/,id}. Until it is whole, one that is there
# already stays as it is. Packages come from the mirror that this host's apt uses.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=${AGENTSAFE_VM_DIR:-/var/tmp/agentsafe-tests-vm}
suite=${SUITE:-trixie}
size=${SIZE:-6G}
out=$top/$suite
work=$top/build-$suite
new=$work/image
root=$work/root
[ "$(id -u)" = 0 ] || { echo "build.sh: needs root" >&2; exit 1; }
started=$(date +%s)
say() { echo "[$(($(date +%s) - started)) s] $*"; }

id=$({ echo "$suite $size ${EXTRA:-}"; cat "$here/build.sh" "$here/packages.txt" "$here/vm" "$here"/guest/*; } | sha256sum | cut -d' ' -f1)
mkdir -p -m 0700 "$top"
exec 8>"$top/lock"
flock 8
if [ "${1:-}" != --force ] && [ "$(cat "$out/id" 2>/dev/null)" = "$id" ]; then
  echo "the image is there: $out"
  exit 0
fi

# this host's own mirrors, read from its apt sources
mirror_of() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
    sed -n 's/^URIs: *//p;s/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' | sed 's,/*$,,' | grep -m 1 -E "$1" || true
}
mirror=$(mirror_of '/debian$')
security=$(mirror_of '/debian-security$')
cannot_be_had() { echo "build.sh: $*" >&2; exit 77; }
[ -n "$mirror" ] || cannot_be_had "the apt sources of this host name no Debian mirror"
room=$(df --output=avail -m "$top" | tail -n 1)
[ "$room" -ge 7000 ] || cannot_be_had "$top has $room MB of room, 7000 are needed"

# shellcheck source=contrib/packages.sh
. "$here/../../contrib/packages.sh"
install_packages debootstrap qemu-system-x86 qemu-utils e2fsprogs python3 || cannot_be_had "QEMU or debootstrap cannot be installed"

# Debian 12's QEMU emulates at a third of the speed of the one in its backports, which is laid beside the host's own: with
# the old one no suite would end in time.
fetch_qemu() {
  local q=$top/qemu.part
  rm -rf "$q"
  mkdir -p "$q/lists/partial" "$q/cache/archives/partial"
  printf 'deb %s bookworm-backports main\ndeb %s bookworm main\n' "$mirror" "$mirror" >"$q/sources.list"
  apt_q() { apt-get -q -o "Dir::Etc::SourceList=$q/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State::Lists=$q/lists" -o "Dir::Cache=$q/cache" -o APT::Sandbox::User=root "$@"; }
  (cd "$q/cache" && apt_q update && apt_q -t bookworm-backports download qemu-system-x86 qemu-system-common \
    qemu-system-data seabios) >"$q/log" 2>&1 || { tail "$q/log" >&2; return 1; }
  mkdir "$q/root"
  for package in "$q"/cache/*.deb; do dpkg -x "$package" "$q/root"; done
  "$q/root/usr/bin/qemu-system-x86_64" --version >/dev/null || return 1
  mv "$q/root" "$top/qemu"
  rm -rf "$q"
}
if [ ! -x "$top/qemu/usr/bin/qemu-system-x86_64" ] && grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  say "QEMU from bookworm-backports"
  fetch_qemu || cannot_be_had "QEMU of bookworm-backports cannot be fetched"
fi

cleanup() {
  local at
  for at in var/cache/apt/archives dev/pts proc sys; do
    ! mountpoint -q "$root/$at" || umount "$root/$at"
  done
}
trap cleanup EXIT
cleanup
rm -rf "$work"
mkdir -p "$root" "$new" "$top/debs-$suite/partial" "$top/debootstrap-$suite"

say "debootstrap $suite"
debootstrap --variant=minbase --cache-dir="$top/debootstrap-$suite" --include=systemd,systemd-sysv,dbus,udev,kmod,ca-certificates \
  "$suite" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
  { tail -20 "$work/debootstrap.log" >&2; cannot_be_had "debootstrap could not make $suite"; }
mkdir "$work/systemd-rootfs"
cp -a "$root/." "$work/systemd-rootfs"
rm -rf "$work"/systemd-rootfs/{var/lib/apt/lists,var/cache,usr/share/{doc,man,locale,i18n,zoneinfo}}/* "$work"/systemd-rootfs/dev/*

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t devpts devpts "$root/dev/pts"
mkdir -p "$root/var/cache/apt/archives"
mount --bind "$top/debs-$suite" "$root/var/cache/apt/archives"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
{
  echo "deb $mirror $suite main"
  [ "$suite" = sid ] || echo "deb $mirror $suite-updates main"
  [ "$suite" = sid ] || [ -z "$security" ] || echo "deb $security $suite-security main"
} >"$root/etc/apt/sources.list"
cat >"$root/etc/apt/apt.conf.d/90vm" <<X
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Dpkg::Options { "--force-unsafe-io"; "--force-confold"; };
X
# a small initrd: only what finds the root disk
mkdir -p "$root/etc/initramfs-tools/conf.d"
printf 'MODULES=list\nCOMPRESS=lz4\nBUSYBOX=n\nRESUME=none\n' >"$root/etc/initramfs-tools/conf.d/vm"
printf 'virtio_pci\nvirtio_blk\next4\n' >"$root/etc/initramfs-tools/modules"

in_root() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}
say "packages"
in_root apt-get -q update >"$work/apt.log" 2>&1 || { tail -5 "$work/apt.log" >&2; cannot_be_had "no package lists of $suite"; }
wanted=(linux-image-amd64 initramfs-tools lz4 zstd)
for package in $(grep -v '^#' "$here/packages.txt") ${EXTRA:-}; do
  case $package in
    *\?) ! in_root apt-cache show "${package%\?}" >/dev/null 2>&1 || wanted+=("${package%\?}") ;;
    *) wanted+=("$package") ;;
  esac
done
in_root apt-get -q -y install --download-only "${wanted[@]}" >>"$work/apt.log" 2>&1 ||
  { tail -5 "$work/apt.log" >&2; cannot_be_had "packages of $suite could not be fetched"; }
in_root apt-get -q -y install "${wanted[@]}" >>"$work/apt.log" 2>&1 || { tail -30 "$work/apt.log" >&2; exit 1; }

say "configuration"
# shellcheck source=tests/vm/guest/configure.sh
. "$here/guest/configure.sh"
cp "$root"/boot/vmlinuz-* "$new/vmlinuz"
cp "$root"/boot/initrd.img-* "$new/initrd"
in_root dpkg-query -W -f '${Package} ${Version}\n' >"$new/packages.txt"
rm -f "$root"/boot/initrd.img-* "$root/usr/sbin/policy-rc.d"
rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
cleanup
rm -rf "$root"/dev/* "$root"/var/cache/apt/*.bin
mkdir -p "$root/dev/pts"
mv "$work/systemd-rootfs" "$root/opt/systemd-rootfs"

say "disk ($(du -sm "$root" | cut -f1) MB of files)"
truncate -s "$size" "$work/disk.raw"
mkfs.ext4 -q -F -O ^has_journal -m 0 -d "$root" "$work/disk.raw"
qemu-img convert -O qcow2 "$work/disk.raw" "$new/base.qcow2"
rm -rf "$root" "$work/disk.raw"

say "first boot: load the images"
"$here/vm" seed --image "$new"
say "save a booted machine"
"$here/vm" warm --image "$new"
echo "$id" >"$new/id"
rm -rf "$out"
mv "$new" "$out"
rm -rf "$work"
say "done: $(du -sm "$out" | cut -f1) MB in $out"
