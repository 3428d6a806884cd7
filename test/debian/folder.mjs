/**
 * Makes a Debian of another release in a folder of a cache, once, and runs commands in it. Knows mounts and packages, nothing of
 * what is tried there. Needs root on Linux and debootstrap; says what lacks where they are not there.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../../deploy/files.mjs";

/** Kept between runs, outside of the checkout. */
export const cacheFolder = process.env.HEARTH_TEST_CACHE ?? path.join(os.homedir(), ".cache", "hearthd");

const usualMirror = "http://deb.debian.org/debian";

/** Brings up the loopback of a network of its own, mounts the layers, gives them what programs expect, and becomes the command. What is not kept in an upper folder is in memory. */
const enter = `
layers=$1 upper=$2 binds=$3 network=$4; shift 4
[ -z "$network" ] || ip link set lo up
root=/mnt/root
mount -t tmpfs tmpfs /mnt; mkdir "$root"
[ -n "$upper" ] || upper=/mnt/upper
mkdir -p "$upper/files" "$upper/work"
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$upper/files,workdir=$upper/work" "$root"
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
IFS=:; for bind in $binds; do mkdir -p "$root$bind"; mount --bind "$bind" "$root$bind"; done; unset IFS
exec chroot "$root" "$@"`;

/** In one sentence why there can be no such folder here, or null where there can. */
export function whyNoFolder() {
  if (process.getuid?.() !== 0) return "needs root: mounts and chroot";
  if (!findProgram("debootstrap")) return "install with sudo apt-get install debootstrap";
  return null;
}

/**
 * The folders that make up `release` (trixie, bookworm) with `packages` in it, topmost first: `layers` of runIn(). Made where they
 * are not there yet, which takes one to four minutes. Throws where a package cannot be had.
 */
export async function debianLayers(release, { name, packages }) {
  const base = await made(path.join(cacheFolder, "debian", release), async (folder) => {
    const args = ["--variant=minbase", "--include=ca-certificates", release, folder, mirror()];
    await checked("debootstrap", args);
    copyMachineSettings(folder);
  });
  const layer = await made(path.join(cacheFolder, "debian", `${release}-${name}`), async (folder) => {
    await aptInstall([base], folder, packages);
    rmSync(path.join(folder, "work"), { recursive: true, force: true });
  });
  return [path.join(layer, "files"), base];
}

/** Installs packages as root; what they bring is left in `upper`. */
export async function aptInstall(layers, upper, packages) {
  const script = `apt-get -qq update && apt-get -qq install --yes --no-install-recommends ${packages.join(" ")}`;
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const { status, output } = await runIn(layers, ["sh", "-c", script], { upper, env });
  if (status !== 0) throw new Error(`${packages.join(" ")} cannot be installed: ${output.trim().slice(-400)}`);
}

/**
 * Runs a command in the layers: its exit status, or null when it was ended, and its output of both kinds. Changes are kept in `upper`
 * where that is given. With `ownNetwork` it has no network but a loopback of its own. `binds` are folders of this machine that are seen at the same place.
 */
export function runIn(
  layers,
  command,
  { upper = "", binds = [], env = {}, user, ownNetwork = false, limitSeconds = 1800, onOutput } = {},
) {
  const asUser = user ? ["runuser", "-u", user, "--"] : [];
  const variables = Object.entries({ PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LANG: "C.UTF-8", ...env });
  const full = [...asUser, "env", "-i", ...variables.map(([name, value]) => `${name}=${value}`), ...command];
  const network = ownNetwork ? ["--net"] : [];
  const args = [
    ...network,
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--propagation",
    "private",
    "sh",
    "-ec",
    enter,
    "enter",
  ];
  return new Promise((resolve) => {
    const child = spawn("unshare", [...args, layers.join(":"), upper, binds.join(":"), network.join(""), ...full], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const take = (data) => {
      output += data;
      onOutput?.(String(data));
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const timer = setTimeout(() => child.kill("SIGKILL"), limitSeconds * 1000);
    const end = (status, text) => {
      clearTimeout(timer);
      resolve({ status, output: text });
    };
    child.on("error", (error) => end(null, error.message));
    child.on("close", (status) => end(status, output));
  });
}

/** How this machine reaches the network and npm's registry, which is no part of a Debian: for `env` of runIn(). */
export function networkEnvironment() {
  const wanted = /^(npm_config_registry|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|NODE_EXTRA_CA_CERTS)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name)));
}

/** `folder`, filled by `fill` unless it was before. What is half made never counts. */
async function made(folder, fill) {
  const ready = `${folder}.ready`;
  if (existsSync(ready) && existsSync(folder)) return folder;
  const half = `${folder}.half`;
  for (const leftover of [folder, half]) rmSync(leftover, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  await fill(half);
  renameSync(half, folder);
  writeFileSync(ready, "");
  return folder;
}

/** The names of the network and the certificates that this machine trusts. */
function copyMachineSettings(folder) {
  for (const file of ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"]) {
    if (existsSync(file)) cpSync(file, path.join(folder, file), { dereference: true });
  }
}

/** The mirror that this machine's apt uses, or Debian's own. */
export function mirror() {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  const texts = ["/etc/apt/sources.list", ...files]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8"));
  return /https?:\/\/\S+\/debian\/?(?=\s)/.exec(texts.join("\n"))?.[0] ?? usualMirror;
}

function checked(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => {
        output += data;
      });
    }
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${command} failed: ${output.trim().slice(-400)}`));
    });
  });
}
