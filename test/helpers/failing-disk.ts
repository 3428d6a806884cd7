/** A folder whose one file is on storage that works, fails or hangs as the test says. As root, where the kernel has FUSE. */
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./folder.js";

/** The reason why such a disk cannot be made here; false: it can. */
export const noFailingDisk =
  process.getuid?.() !== 0 || !existsSync("/dev/fuse") ? "needs root and /dev/fuse: sudo modprobe fuse" : false;

export interface FailingDisk {
  readonly file: string;
  behave(mode: "works" | "fails" | "hangs"): Promise<void>;
}

const server = fileURLToPath(new URL("fuse-server.mjs", import.meta.url));

export async function failingDisk(t: TestContext, file: string): Promise<FailingDisk> {
  const folder = temporaryFolder(t);
  const child = fork(server, [file, folder], { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: [] });
  await Promise.race([once(child, "message"), once(child, "exit").then(() => assertMounted())]);
  t.after(async () => {
    spawnSync("umount", ["-l", folder]);
    const gone = child.exitCode === null ? once(child, "exit") : null;
    child.kill("SIGKILL"); // with it goes all that still waits
    await gone;
  });
  return {
    file: path.join(folder, path.basename(file)),
    async behave(mode) {
      const told = once(child, "message");
      child.send({ mode });
      await told;
    },
  };
}

function assertMounted(): never {
  throw new Error("the failing disk could not be mounted");
}
