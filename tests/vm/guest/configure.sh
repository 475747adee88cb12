# shellcheck shell=bash disable=SC2154
# Sourced by build.sh: the files of the new root, $root.
echo agentsafe-vm >"$root/etc/hostname"
echo "127.0.0.1 localhost agentsafe-vm" >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
echo 5a5a5a5a5a5a4a5a8a5a5a5a5a5a5a5a >"$root/etc/machine-id"
echo "/dev/vda / ext4 defaults,noatime 0 0" >"$root/etc/fstab"
in_root passwd -q -d root
# who runs rootless containers: 1000, with 65536 ids, and a session that starts at boot
in_root useradd -m -u 1000 -s /bin/bash user
in_root passwd -q -d user
grep -q '^user:' "$root/etc/subuid" || echo user:100000:65536 >>"$root/etc/subuid"
grep -q '^user:' "$root/etc/subgid" || echo user:100000:65536 >>"$root/etc/subgid"
mkdir -p "$root/var/lib/systemd/linger" "$root/etc/systemd/system/user@.service.d"
touch "$root/var/lib/systemd/linger/user"
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >"$root/etc/systemd/system/user@.service.d/delegate.conf"
# Debian's profiles for other programs are slow to load here: keep those of container tools (docker-default is loaded by
# Docker itself)
find "$root/etc/apparmor.d" -maxdepth 1 -type f | grep -vE '/(crun|runc|podman|buildah|docker[^/]*)$' | xargs -r rm -f
for file in vm-agent.py mkimages.py; do install -D -m 755 "$here/guest/$file" "$root/usr/local/lib/$file"; done
install -D -m 644 "$here/guest/vm-agent.service" "$root/etc/systemd/system/vm-agent.service"
install -D -m 644 "$here/guest/daemon.json" "$root/etc/docker/daemon.json"
install -D -m 644 "$here/guest/containerd.toml" "$root/etc/containerd/config.toml"
sed -i "s,\"/usr/sbin/runc\",\"$(in_root sh -c 'command -v runc')\"," "$root/etc/containerd/config.toml"
install -D -m 644 "$here/guest/10-bridge.conflist" "$root/etc/cni/net.d/10-bridge.conflist"
mkdir -p "$root/mnt/host" "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n' >"$root/etc/systemd/journald.conf.d/vm.conf"
printf '[Manager]\nDefaultTimeoutStopSec=10s\nShowStatus=no\nDefaultCPUAccounting=yes\n' >"$root/etc/systemd/system.conf.d/vm.conf"
# they notify late under emulation
for unit in docker containerd user@; do
  mkdir -p "$root/etc/systemd/system/$unit.service.d"
  printf '[Service]\nTimeoutStartSec=300\n' >"$root/etc/systemd/system/$unit.service.d/vm.conf"
done
echo virtio_net >"$root/etc/modules-load.d/vm.conf"
in_root systemctl -q enable vm-agent.service docker.service containerd.service
in_root systemctl -q set-default multi-user.target
in_root systemctl -q mask getty@tty1.service serial-getty@ttyS0.service getty.target console-getty.service apt-daily.timer \
  apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service \
  systemd-tmpfiles-clean.timer man-db.timer logrotate.timer systemd-timesyncd.service systemd-pstore.service \
  systemd-firstboot.service systemd-update-utmp.service systemd-update-utmp-runlevel.service nftables.service criu.service \
  systemd-networkd-wait-online.service systemd-hibernate-clear.service tpm2.target systemd-quotacheck-root.service \
  systemd-resolved.service networking.service modprobe@drm.service podman-auto-update.timer podman-auto-update.service \
  podman-restart.service podman-clean-transient.service
