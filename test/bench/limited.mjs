/** Runs commands with the memory and the storage of a small board: in a control group of their own, of version 1 or 2. As root. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";

const root = "/sys/fs/cgroup";
const isVersion1 = existsSync(`${root}/memory/memory.limit_in_bytes`);
let groups = 0;

/** "8:0": the whole disk that a file is on; a limit is of a disk and not of a part of it. */
function diskOf(file) {
  const device = statSync(file).dev;
  const numbers = `${(device >> 8) & 0xfff}:${(device & 0xff) | ((device >> 12) & 0xfff00)}`;
  const parent = `/sys/dev/block/${numbers}/../dev`;
  return existsSync(`/sys/dev/block/${numbers}/partition`) ? readFileSync(parent, "utf8").trim() : numbers;
}

/** `memoryMb` and `readMbps`: 0 for no limit. `file`: on the disk whose reading is limited. */
export class Limits {
  #folders = [];
  #memory;

  constructor({ memoryMb, readMbps, file }) {
    const name = `hearth-bench-${process.pid}-${groups++}`;
    if (isVersion1) {
      this.#memory = this.#make(`${root}/memory/${name}`);
      const storage = this.#make(`${root}/blkio/${name}`);
      if (memoryMb) writeFileSync(`${this.#memory}/memory.limit_in_bytes`, String(memoryMb * 2 ** 20));
      if (readMbps) writeFileSync(`${storage}/blkio.throttle.read_bps_device`, `${diskOf(file)} ${readMbps * 1e6}`);
    } else {
      writeFileSync(`${root}/cgroup.subtree_control`, "+memory +io");
      this.#memory = this.#make(`${root}/${name}`);
      if (memoryMb) writeFileSync(`${this.#memory}/memory.max`, String(memoryMb * 2 ** 20));
      if (readMbps) writeFileSync(`${this.#memory}/io.max`, `${diskOf(file)} rbps=${readMbps * 1e6}`);
    }
  }

  #make(folder) {
    mkdirSync(folder);
    this.#folders.push(folder);
    return folder;
  }

  /** The command and its arguments that run `command` within the limits. */
  wrap(command, args) {
    const enter = this.#folders.map((folder) => `echo $$ > ${folder}/cgroup.procs`).join("; ");
    return ["sh", ["-c", `${enter}; exec "$@"`, "sh", command, ...args]];
  }

  run(command, args) {
    return execFileSync(...this.wrap(command, args), { encoding: "utf8", maxBuffer: 1 << 26 });
  }

  spawn(command, args, options) {
    return spawn(...this.wrap(command, args), options);
  }

  /** How many programs were ended in the group for want of memory. */
  get kills() {
    const text = readFileSync(`${this.#memory}/${isVersion1 ? "memory.oom_control" : "memory.events"}`, "utf8");
    return Number(/oom_kill (\d+)/.exec(text)?.[1] ?? 0);
  }

  /** Memory of the group's programs that no file backs: nobody can take that from them. */
  get ownBytes() {
    const stat = readFileSync(`${this.#memory}/memory.stat`, "utf8");
    return Number(new RegExp(`^${isVersion1 ? "total_rss" : "anon"} (\\d+)`, "m").exec(stat)?.[1] ?? 0);
  }

  get mostBytes() {
    return Number(readFileSync(`${this.#memory}/${isVersion1 ? "memory.max_usage_in_bytes" : "memory.peak"}`, "utf8"));
  }

  remove() {
    for (const folder of this.#folders) rmdirSync(folder);
  }
}

/** Drops a file's clean pages from the page cache: a cold start. */
export function forget(file) {
  execFileSync("sync", [file]);
  execFileSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
}
