#!/bin/sh
# Boots a Debian tree as EC2 would: systemd is its first process, its changes go into memory. To be run within
# namespaces, which end with it.
#
#   machine.sh TREE ROOT LAYER CGROUP     ROOT is an empty directory, LAYER one in memory, CGROUP one of the machine's
#
# The tree's changes may be prepared in LAYER/up. The terminal that this runs on is the machine's console.
set -eu
tree=$1 root=$2 layer=$3 cgroup=$4

mkdir "$layer/work" "$layer/sys"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$layer/up,workdir=$layer/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
# A terminal: cloud-init truncates a plain file with its last message.
: >"$root/dev/console"
mount --bind "$(tty)" "$root/dev/console"

# The firmware says that this is EC2; nothing of this kernel's can be changed from inside.
mount -t sysfs sysfs "$layer/sys" -o ro
mount -t tmpfs tmpfs "$root/sys"
mkdir -p "$root/sys/class/dmi/id" "$root/sys/class/net" "$root/sys/fs/cgroup"
for part in block bus devices kernel; do
  mkdir "$root/sys/$part"
  mount --bind "$layer/sys/$part" "$root/sys/$part"
done
mount --bind "$layer/sys/class/net" "$root/sys/class/net"
for name in product_uuid product_serial; do
  echo ec2e1916-9099-7caf-fd21-012345abcdef >"$root/sys/class/dmi/id/$name"
done
echo 'Amazon EC2' >"$root/sys/class/dmi/id/sys_vendor"

# systemd shall know that it boots no hardware, and cloud-init that this is a machine and no container.
mkdir -p "$root/run/host"
echo other >"$root/run/host/container-manager"

echo $$ >"$cgroup/cgroup.procs"
exec unshare --cgroup sh -c '
  mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    unshare --uts --pid --fork --kill-child --mount-proc="$1/proc" chroot "$1" /lib/systemd/systemd' sh "$root"
