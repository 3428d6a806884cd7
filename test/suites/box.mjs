/**
 * The packaged service under a real systemd, in namespaces of this machine: on demand, because it needs root and minutes. An option names
 * the cases to run: --reload.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../../deploy/files.mjs";
import { removeControlGroups } from "../box/control-groups.mjs";
import { mirror } from "../debian/folder.mjs";
import { run, skip } from "./command.mjs";

export const boxSuite = { name: "box", long: true, run: box };

const release = "bookworm";
const packages = "systemd,systemd-sysv,dbus,iproute2";
const bootLimitMs = 60_000;

async function box(root, options) {
  if (process.getuid() !== 0) {
    const note = "skipped: run as root: sudo npm run test:box";
    process.stdout.write(`${note}\n`);
    return { skipped: 1, note };
  }
  if (!findProgram("debootstrap")) return skip(["debootstrap"]);
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache"), "hearthd", "box");
  const folder = path.join(cache, `${release}-${process.arch}`);
  if (!existsSync(folder) && !(await makeFolder(root, cache, folder))) return { failed: 1 };
  const deb = await buildPackage(root);
  if (deb === null) return { failed: 1 };
  const scratch = mkdtempSync(path.join(cache, "run-"));
  const command = ["bash", path.join(root, "test", "box", "boot.sh"), folder, root, scratch];
  const booted = spawn(command[0], command.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => booted.on("close", resolve));
  let init = null;
  try {
    init = await whenBooted(booted.pid);
    if (init === null) {
      process.stdout.write("the box did not boot\n");
      return { failed: 1 };
    }
    const [pattern = ""] = options.map((option) => option.replace(/^--/, ""));
    const cases = [path.join(root, "test", "box", "cases.mjs"), init, deb, path.join(scratch, "variants"), pattern];
    const args = ["-t", String(init), "-n", process.execPath, ...cases.map(String)];
    const { output } = await run(root, "nsenter", args, { limitSeconds: 1800 });
    const count = (what) => output.match(what)?.length ?? 0;
    const result = { passed: count(/^ok /gm), failed: count(/^not ok /gm) };
    return result.passed + result.failed > 0 ? result : { failed: 1 };
  } finally {
    const poweroff = ["-t", String(init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "systemctl", "poweroff"];
    if (init !== null) spawnSync("nsenter", poweroff, { timeout: 10_000 });
    const late = setTimeout(() => booted.kill("SIGKILL"), 20_000); // unshare takes its child with it
    await ended;
    clearTimeout(late);
    removeControlGroups();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Path of this machine's package of the checkout, or null. */
async function buildPackage(root) {
  const architecture = { x64: "amd64", arm64: "arm64" }[process.arch];
  const build = path.join(root, "deploy", "deb", "build.mjs");
  const { status, output } = await run(root, process.execPath, [build, architecture, "--fast"], { limitSeconds: 1800 });
  const [file] = /^\S+\.deb/m.exec(output) ?? [];
  return status === 0 && file ? path.join(root, file) : null;
}

/** Under another name until it is complete. */
async function makeFolder(root, cache, folder) {
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const args = ["--variant=minbase", `--include=${packages}`, release, unfinished, mirror()];
  const { status } = await run(root, "debootstrap", args, { limitSeconds: 1800 });
  if (status === 0) renameSync(unfinished, folder);
  return status === 0;
}

/** The process id of the box's systemd as this machine sees it, once its units are started; null when that takes too long. */
async function whenBooted(parent) {
  const deadline = Date.now() + bootLimitMs;
  while (Date.now() < deadline) {
    const init = childOf(parent);
    const args = ["-t", String(init), "-m", "-p", "-r", "-w", "systemctl", "is-system-running", "--wait"];
    const state = init === null ? "" : spawnSync("nsenter", args, { encoding: "utf8", timeout: bootLimitMs }).stdout;
    if (/running|degraded/.test(state)) return init;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return null;
}

function childOf(parent) {
  const children = `/proc/${parent}/task/${parent}/children`;
  const [child] = existsSync(children) ? readFileSync(children, "utf8").trim().split(" ").filter(Boolean) : [];
  const isSystemd = child && readFileSync(`/proc/${child}/comm`, "utf8").trim() === "systemd";
  return isSystemd ? Number(child) : null;
}
