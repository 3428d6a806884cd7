/** A virtual machine of ARM on an emulated Cortex-A72: started, asked by a shell of root, and cut from its power. Knows qemu, nothing of hearth. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** The port of the guest's shell, by the name that udev gives it. */
export const shellPort = "test.shell";
/** The address of the guest, and that of this machine as the guest sees it. */
const guest = "10.0.2.15";
export const hostSeenByGuest = "10.0.2.2";

/** Machines that end with this process. */
const running = new Set();
process.on("exit", () => {
  for (const machine of running) machine.drop();
});

export class Machine {
  #child;
  #folder = mkdtempSync(path.join(os.tmpdir(), "hearth-vm-"));
  #socket = null;
  #received = "";
  #said = "";
  #isOver;
  #count = 0;

  /**
   * `forward`: [port of this machine, port of the guest]. `durable`: what the guest has been told is on disk, is. `readOnlyDisk`: a file
   * that it sees as /dev/vdb. `reachesHost`: else it has no network but the forwarded port.
   */
  constructor(files, { forward = null, init = null, durable = true, readOnlyDisk = null, reachesHost = false } = {}) {
    const network = [
      ...["user", "id=net", `restrict=${reachesHost ? "off" : "on"}`],
      ...(forward ? [`hostfwd=tcp:127.0.0.1:${forward[0]}-${guest}:${forward[1]}`] : []),
    ];
    const append = ["console=ttyAMA0", "rw", "panic=-1", ...(init ? [`init=${init}`] : [])];
    const args = [
      ...[
        "-machine",
        "virt",
        "-cpu",
        "cortex-a72",
        "-accel",
        "tcg,thread=multi,tb-size=512",
        "-smp",
        "2",
        "-m",
        "2048",
      ],
      ...["-kernel", files.kernel, "-initrd", files.initrd, "-append", append.join(" ")],
      ...["-drive", `file=${files.disk},format=raw,if=none,id=root,cache=${durable ? "writethrough" : "unsafe"}`],
      ...["-device", "virtio-blk-pci,drive=root"],
      ...(readOnlyDisk ? ["-drive", `file=${readOnlyDisk},format=raw,if=none,id=more,readonly=on`] : []),
      ...(readOnlyDisk ? ["-device", "virtio-blk-pci,drive=more"] : []),
      ...["-netdev", network.join(","), "-device", "virtio-net-pci,netdev=net,romfile="],
      ...["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
      ...["-chardev", `socket,id=shell,path=${path.join(this.#folder, "shell")},server=on,wait=off`],
      ...["-device", `virtserialport,chardev=shell,name=${shellPort}`],
      ...[
        "-serial",
        `file:${path.join(this.#folder, "console")}`,
        "-monitor",
        "none",
        "-display",
        "none",
        "-no-reboot",
      ],
    ];
    this.startedAt = performance.now();
    this.#child = spawn("qemu-system-aarch64", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.once("close", () => running.delete(this));
    running.add(this);
    this.#child.stderr.on("data", (data) => {
      this.#said += data;
    });
    this.#isOver = new Promise((resolve) => {
      this.#child.on("error", (error) => {
        this.#said += error.message;
        resolve();
      });
      this.#child.on("close", resolve);
    });
  }

  /** The guest writes this on its serial port. */
  console() {
    try {
      return readFileSync(path.join(this.#folder, "console"), "utf8");
    } catch {
      return this.#said;
    }
  }

  get runs() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the machine is off; one that is not after `limitMs` is cut, which rejects. */
  async ended(limitMs) {
    const isLate = await Promise.race([this.#isOver.then(() => false), sleep(limitMs, true, { ref: false })]);
    if (isLate) await this.cut();
    if (isLate || this.#said !== "") throw new Error(`The machine did not end by itself: ${this.#said}`);
  }

  /** Takes the power away: nothing that is on its way to the disk gets there. */
  async cut() {
    this.drop();
    await this.#isOver;
    this.#socket?.destroy();
  }

  /** Takes the power away without waiting for it. */
  drop() {
    this.#child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async poweroff(limitMs = 180_000) {
    await this.#open();
    this.#socket.write("systemctl poweroff\n");
    await this.ended(limitMs);
    await this.cut();
  }

  /** Runs lines of bash in the guest as root: { status, output }. Waits until the guest has a shell. */
  async sh(script, limitMs = 120_000) {
    await this.#open();
    const mark = `=${process.pid}-${this.#count++}=`;
    const deadline = performance.now() + limitMs;
    // A guest that is not ready drops what comes: the first line is sent until it is answered.
    if (this.#count === 1) await this.#greeted(deadline);
    const from = this.#received.length;
    const text = `{ ${script}\n} </dev/null 2>&1; printf '\\nEND%s%d\\n' '${mark}' $?\n`;
    this.#socket.write(text);
    const end = new RegExp(`\\nEND${mark}(\\d+)\\n`);
    const found = await this.#until(() => end.exec(this.#received.slice(from)), deadline, script);
    const output = this.#received.slice(from, from + found.index);
    this.#received = "";
    return { status: Number(found[1]), output };
  }

  /** Runs lines that have to end well, and returns what they printed. */
  async must(script, limitMs) {
    const { status, output } = await this.sh(script, limitMs);
    if (status !== 0) throw new Error(`${script} ended with ${status} in the guest: ${output.slice(-3000)}`);
    return output.trim();
  }

  /** Runs lines that need not end; `onLine` gets what they print. Nothing else can be run in this machine afterwards. */
  async watch(script, onLine) {
    await this.must("true");
    let text = "";
    this.#socket.on("data", (more) => {
      const lines = (text + more.replaceAll("\r", "")).split("\n");
      text = lines.pop();
      for (const line of lines) onLine(line);
    });
    this.#socket.write(`{ ${script}\n} </dev/null 2>&1\n`);
  }

  async #greeted(deadline) {
    for (;;) {
      this.#socket.write("echo RE''ADY\n");
      const isReady = await this.#until(() => this.#received.includes("READY"), performance.now() + 2000).catch(
        () => false,
      );
      if (isReady) break;
      if (!this.runs || performance.now() > deadline)
        throw new Error(`No shell came: ${this.#said}${this.console().slice(-3000)}`);
    }
    await sleep(500); // answers of lines that were sent twice
    this.#received = "";
  }

  async #until(find, deadline, what = "it") {
    for (;;) {
      const found = find();
      if (found) return found;
      if (!this.runs) throw new Error(`The machine ended before ${what} did: ${this.#said}`);
      if (performance.now() > deadline) throw new Error(`${what} did not end in time: ${this.#received.slice(-2000)}`);
      await sleep(20);
    }
  }

  async #open() {
    if (this.#socket !== null) return;
    for (let tries = 0; ; tries++) {
      const socket = connect(path.join(this.#folder, "shell"));
      const isThere = await new Promise((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (isThere) {
        this.#socket = socket;
        break;
      }
      if (tries > 100 || !this.runs) throw new Error(`qemu does not start: ${this.#said}`);
      await sleep(100);
    }
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (text) => {
      this.#received += text.replaceAll("\r", "");
    });
    this.#socket.on("error", () => {}); // the power was cut
  }
}

/** A port of this machine that nobody uses. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
