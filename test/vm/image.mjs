/**
 * Makes, once, what the virtual machine is booted from: a disk with a small Debian for ARM, its kernel, and an initrd; keeps them in the
 * cache. Nothing of ARM is run for that.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { cacheFolder, mirror } from "../debian/folder.mjs";
import { initrd } from "./initrd.mjs";
import { shellPort } from "./machine.mjs";
import { must, unpackAll } from "./unpacked.mjs";

const release = "trixie";
/** The packages of Raspberry Pi OS Lite that hearth needs, a kernel, and a tool for the initrd. No compiler, no Node, no curl. */
const packages = [
  ...["systemd", "systemd-sysv", "dbus", "udev", "kmod", "iproute2", "e2fsprogs", "libstdc++6", "libgcc-s1"],
  ...["linux-image-arm64", "busybox-static"],
];
/** Counts up when the image would be another. */
const edition = 2;
const diskBytes = 3 * 2 ** 30;
const shellUnit = `[Unit]
Description=A shell of root for the test on the other side of a port
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/bash -c 'exec bash --norc <>/dev/virtio-ports/${shellPort} >&0 2>&1'
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
`;

/** The files that make a board of the packages. It reaches this machine alone: it has no gateway. */
const settings = {
  "etc/hostname": "board\n",
  "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
  "etc/systemd/network/10-user.network":
    "[Match]\nName=en* eth*\n[Network]\nAddress=10.0.2.15/24\nLinkLocalAddressing=no\n",
  "etc/systemd/system/test-shell.service": shellUnit,
};
const started = { "test-shell.service": "../", "systemd-networkd.service": "/usr/lib/systemd/system/" };
/** Work of a first boot that takes minutes of an emulated processor, and that nothing here needs. */
const masked = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "systemd-hwdb-update.service",
  "systemd-journal-catalog-update.service",
];

/** Paths of { kernel, initrd, disk }; `say` gets what is under way. */
export function image(say) {
  const folder = path.join(cacheFolder, "vm", `${release}-${edition}`);
  const files = {
    kernel: path.join(folder, "vmlinuz"),
    initrd: path.join(folder, "initrd.gz"),
    disk: path.join(folder, "disk"),
  };
  if (Object.values(files).every((file) => existsSync(file))) return files;
  const half = `${folder}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  const inHalf = (file) => path.join(half, path.basename(file));
  const tree = path.join(half, "tree");
  say(`unpacking ${release} for ARM`);
  const options = ["--arch=arm64", "--foreign", "--variant=minbase", `--include=${packages.join(",")}`];
  must("debootstrap", [...options, release, tree, mirror()]);
  unpackAll(tree);
  rmSync(path.join(tree, "var/cache/apt/archives"), { recursive: true });
  rmSync(path.join(tree, "debootstrap"), { recursive: true, force: true });
  const [vmlinuz] = readdirSync(path.join(tree, "boot")).filter((name) => name.startsWith("vmlinuz-"));
  copyFileSync(path.join(tree, "boot", vmlinuz), inHalf(files.kernel));
  const version = vmlinuz.slice("vmlinuz-".length);
  must("depmod", ["-b", tree, version]);
  const modules = path.join(tree, "usr/lib/modules", version);
  writeFileSync(inHalf(files.initrd), initrd(modules, path.join(tree, "usr/bin/busybox")));
  writeSettings(tree);
  writeFileSync(inHalf(files.disk), "");
  truncateSync(inHalf(files.disk), diskBytes);
  must("mke2fs", ["-q", "-F", "-t", "ext4", "-d", tree, inHalf(files.disk)]);
  rmSync(tree, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(half, folder);
  return files;
}

function writeSettings(tree) {
  for (const [name, text] of Object.entries(settings)) {
    const file = path.join(tree, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const units = path.join(tree, "etc/systemd/system");
  mkdirSync(path.join(units, "multi-user.target.wants"), { recursive: true });
  for (const [unit, from] of Object.entries(started)) {
    symlinkSync(`${from}${unit}`, path.join(units, "multi-user.target.wants", unit));
  }
  for (const unit of masked) symlinkSync("/dev/null", path.join(units, unit));
}
