/**
 * A Debian for another processor, made of its packages without running any of them: what their scripts would set up, and what a board
 * needs of that, is written here. An emulated processor would be at it for half an hour.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Unpacks all archives that debootstrap has brought into `tree`, and has dpkg know of them as installed. */
export function unpackAll(tree) {
  const archives = path.join(tree, "var/cache/apt/archives");
  const database = path.join(tree, "var/lib/dpkg");
  mkdirSync(path.join(database, "info"), { recursive: true });
  mkdirSync(path.join(database, "updates"), { recursive: true });
  writeFileSync(path.join(database, "status"), "");
  writeFileSync(path.join(database, "info", "format"), "1\n");
  const debs = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  // The links from /bin to /usr/bin come first.
  const first = (name) => (name.startsWith("base-files_") ? 0 : 1);
  for (const deb of debs.sort((a, b) => first(a) - first(b))) install(path.join(archives, deb), tree, database);
  setUp(tree);
}

function install(deb, tree, database) {
  must("dpkg-deb", ["-x", deb, tree]);
  const fields = must("dpkg-deb", ["-f", deb]).trimEnd();
  const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(fields)?.[1];
  const status = fields.replace(/^(Package: .*)$/m, "$1\nStatus: install ok installed");
  appendFileSync(path.join(database, "status"), `${status}\n\n`);
  const listed = must("sh", ["-c", 'dpkg-deb --fsys-tarfile "$0" | tar -t', deb]);
  const names = listed
    .trim()
    .split("\n")
    .map((name) => name.replace(/^\./, "").replace(/(.)\/$/, "$1") || "/.");
  const suffix = field("Multi-Arch") === "same" ? ":arm64" : "";
  const file = path.join(database, "info", `${field("Package")}${suffix}.list`);
  writeFileSync(file, `${names.map((name) => (name === "/" ? "/." : name)).join("\n")}\n`);
}

/** Users and names, as the packages' scripts leave them. systemd makes its own users at the first boot. */
function setUp(tree) {
  const inTree = (name) => path.join(tree, name);
  copyFileSync(inTree("usr/share/base-passwd/passwd.master"), inTree("etc/passwd"));
  copyFileSync(inTree("usr/share/base-passwd/group.master"), inTree("etc/group"));
  writeFileSync(inTree("etc/nsswitch.conf"), "passwd: files\ngroup: files\nshadow: files\nhosts: files\n");
  writeFileSync(inTree("etc/hosts"), "127.0.0.1 localhost\n");
  writeFileSync(inTree("etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
  if (!existsSync(inTree("usr/bin/awk"))) symlinkSync("mawk", inTree("usr/bin/awk"));
}

export function must(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? `${stdout}${stderr}`.trim().slice(-1000)}`);
  return stdout;
}
