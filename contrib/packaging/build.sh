#!/bin/bash
# Builds the Debian source package and the package from the files of this tree; lintian must find no error.
#
#   contrib/packaging/build.sh [FOLDER]      result: FOLDER/agentsafe_VERSION_ARCH.deb, .dsc, .orig.tar.xz (default: build-deb)
#
# Debian 12 or 13, with the packages of debian/control's Build-Depends, dpkg-dev and lintian. Not as root necessarily.
set -eu
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$(realpath -m "${1:-$top/build-deb}")
version=$(sed -n "1s/^agentsafe (\(.*\)-[^-]*).*/\1/p" "$here/debian/changelog")
grep -q "version : '$version'" "$top/meson.build" || { echo "build.sh: debian/changelog and meson.build name different versions" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/agentsafe-$version
mkdir -p "$tree" "$out"
# what git knows, or, in an unpacked archive, all but build folders
if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
  git -C "$top" ls-files -z | tar -C "$top" --null -T - -c | tar -C "$tree" -x
else
  tar -C "$top" --exclude='./build*' -c . | tar -C "$tree" -x
fi
rm -rf "$tree/debian"
tar -C "$work" --exclude=contrib/packaging -cJf "$work/agentsafe_$version.orig.tar.xz" "agentsafe-$version"
rm -rf "$tree/contrib/packaging"
cp -r "$here/debian" "$tree/debian"
(cd "$tree" && dpkg-buildpackage -us -uc)
cp "$work"/*.deb "$work"/*.dsc "$work"/*.tar.xz "$work"/*.changes "$work"/*.buildinfo "$out"
lintian --fail-on error "$work"/*.changes
ls -l "$out"/*.deb
