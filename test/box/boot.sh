#!/bin/bash
# Boots the systemd of a Debian folder as PID 1 of namespaces of its own: boot.sh FOLDER CHECKOUT SCRATCH. Ends when it powers off.
# It has no network but its own loopback, and sees nothing of this machine but the checkout, read-only at /checkout. What it writes is
# in SCRATCH; the folder stays as it was.
set -eu
root=$1 checkout=$2 scratch=$3
# systemd manages the control groups below the one in which it starts.
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -w "$hierarchy/cgroup.procs" ] || continue
  mkdir -p "$hierarchy/hearth-box"
  # Some, such as cpuset, take no process before they are set up; systemd can do without.
  echo $$ >"$hierarchy/hearth-box/cgroup.procs" 2>/dev/null || rmdir "$hierarchy/hearth-box"
done
exec unshare --fork --kill-child --pid --mount --uts --ipc --cgroup --net --propagation private \
  bash "$(dirname "$0")/init.sh" "$root" "$checkout" "$scratch"
