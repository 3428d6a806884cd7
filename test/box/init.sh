#!/bin/bash
# PID 1 of the box's namespaces: makes the root of it and becomes systemd. init.sh FOLDER CHECKOUT SCRATCH
set -eu
root=$1 checkout=$2 scratch=$3
mkdir -p "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"
mkdir -p checkout
mount --bind "$checkout" checkout
mount -o remount,bind,ro checkout
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 666 "dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for stream in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${stream#*:}" "dev/${stream%:*}"; done

# The control groups as this machine has them: version 2 alone, or version 1 with its controllers.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  while IFS=: read -r _ controllers path; do
    [ "$path" = / ] || continue
    name=${controllers#name=}
    case $controllers in
      "") options="" name=unified type=cgroup2 ;;
      name=*) options="none,$controllers" type=cgroup ;;
      *) options=$controllers type=cgroup ;;
    esac
    mkdir -p "sys/fs/cgroup/$name"
    mount -t "$type" ${options:+-o "$options"} cgroup "sys/fs/cgroup/$name" || rmdir "sys/fs/cgroup/$name"
  done <proc/self/cgroup
fi

hostname box
ip link set lo up
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
mount --make-rshared / # or services do not get their credentials
exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C /lib/systemd/systemd --system
