/**
 * The first files that the kernel of the virtual machine runs: drivers of its disk, and a script that mounts that. Written here, because
 * Debian's own tool would need its programs for ARM.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** Drivers of the disk and of its file system; crc32c is asked for by name while ext4 is mounted. */
const drivers = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"];

const script = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod $module; done
while [ ! -b /dev/vda ]; do $b sleep 0.1; done
$b mount -t ext4 /dev/vda /root || exec $b sh
first=/sbin/init
for word in $($b cat /proc/cmdline); do case $word in init=*) first=\${word#init=} ;; esac; done
for each in proc sys dev; do $b mount --move /$each /root/$each; done
exec $b switch_root /root $first
`;

/** `modules`: the folder of the kernel's modules; `busybox`: the static program. Returns the compressed archive. */
export function initrd(modules, busybox) {
  const folders = ["bin", "dev", "modules", "proc", "root", "sys"].map((name) => ({ name, mode: 0o040755 }));
  const loaded = modulesInOrder(modules).map(({ name, content }, i) => ({
    name: `modules/${String(i).padStart(2, "0")}-${name}.ko`,
    mode: 0o100644,
    content,
  }));
  const files = [
    { name: "bin/busybox", mode: 0o100755, content: readFileSync(busybox) },
    { name: "init", mode: 0o100755, content: Buffer.from(script) },
    ...loaded,
  ];
  return gzipSync(archive([...folders, ...files]), { level: 1 });
}

/** The drivers that are files of their own, each behind those that it needs. */
function modulesInOrder(folder) {
  const files = new Map();
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const [, name] = /([^/]+)\.ko(?:\.xz)?$/.exec(file) ?? [];
    if (name) files.set(name.replaceAll("-", "_"), path.join(folder, file));
  }
  const found = new Map();
  const add = (name) => {
    const file = files.get(name);
    if (found.has(name) || file === undefined) return; // in the kernel itself
    const content = readModule(file);
    const [, needs = ""] = /\0depends=([^\0]*)\0/.exec(`\0${content.toString("latin1")}`) ?? [];
    for (const each of needs.split(",").filter(Boolean)) add(each.replaceAll("-", "_"));
    found.set(name, content);
  };
  for (const name of drivers) add(name);
  return [...found].map(([name, content]) => ({ name, content }));
}

function readModule(file) {
  if (!file.endsWith(".xz")) return readFileSync(file);
  const { status, stdout, stderr } = spawnSync("xz", ["--decompress", "--stdout", file], { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`xz ${file}: ${stderr}`);
  return stdout;
}

/** An archive of cpio's form "newc": a header of hexadecimal numbers, the name, the content, each filled up to 4 bytes. */
function archive(entries) {
  const parts = [...entries, { name: "TRAILER!!!", mode: 0 }].flatMap(
    ({ name, mode, content = Buffer.alloc(0) }, i) => {
      const numbers = [i + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
      const header = `070701${numbers.map((each) => each.toString(16).padStart(8, "0")).join("")}`;
      return [filled(Buffer.from(`${header}${name}\0`)), filled(content)];
    },
  );
  return Buffer.concat(parts);
}

const filled = (bytes) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
