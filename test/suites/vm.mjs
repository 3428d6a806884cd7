/**
 * The package for ARM in a virtual machine whose power is cut again and again: on demand, because an emulated processor takes half an
 * hour. --cuts=N says how often, --seed=N repeats the moments of a run, which tells its own.
 */
import path from "node:path";
import { missingPackages } from "../../deploy/deb/architectures.mjs";
import { findProgram } from "../../deploy/files.mjs";
import { run, skip } from "./command.mjs";

export const vmSuite = { name: "vm", long: true, run: vm };

/** A boot of an emulated board may take minutes where the machine is busy. */
const limitSeconds = 4 * 3600;
const tools = [
  ["qemu-system-aarch64", "qemu-system-arm"],
  ["debootstrap", "debootstrap"],
  ["mke2fs", "e2fsprogs"],
  ["depmod", "kmod"],
  ["xz", "xz-utils"],
];

async function vm(root, options) {
  if (process.getuid() !== 0) {
    const note = "skipped: run as root: sudo npm run test:vm";
    process.stdout.write(`${note}\n`);
    return { skipped: 1, note };
  }
  const missing = tools.filter(([program]) => !findProgram(program)).map(([, name]) => name);
  missing.push(...missingPackages("arm64"));
  if (missing.length > 0) return skip([...new Set(missing)]);
  const build = await run(root, process.execPath, [path.join(root, "deploy", "deb", "build.mjs"), "arm64", "--fast"], {
    limitSeconds: 1800,
  });
  const [deb] = /^\S+\.deb/m.exec(build.output) ?? [];
  if (build.status !== 0 || !deb) return { failed: 1 };
  const script = path.join(root, "test", "vm", "life.mjs");
  const { output } = await run(root, process.execPath, [script, path.join(root, deb), ...options], { limitSeconds });
  const number = (what) => output.match(what)?.length ?? 0;
  const result = { passed: number(/^ok /gm), failed: number(/^not ok /gm) };
  return result.failed > 0 || output.includes("it still streams") ? result : { ...result, failed: 1 };
}
