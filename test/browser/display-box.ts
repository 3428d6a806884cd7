/** This machine's own Debian under a systemd of its own, with a display that nobody sees, a daemon, and the unit that shows its page. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { removeControlGroups } from "../box/control-groups.mjs";
import { root } from "../helpers/shared.js";

const tools = [
  { package: "cage", file: "/usr/bin/cage" },
  { package: "chromium", file: "/usr/bin/chromium" },
  { package: "xvfb", file: "/usr/bin/Xvfb" },
  { package: "xwayland", file: "/usr/bin/Xwayland" },
  { package: "x11-apps", file: "/usr/bin/xwd" },
  { package: "netpbm", file: "/usr/bin/pnmtopng" },
  { package: "systemd", file: "/lib/systemd/systemd" },
];
const missing = tools.filter(({ file }) => !existsSync(file)).map((tool) => tool.package);

/** For a test's `skip`. */
export const withoutDisplayBox =
  missing.length > 0
    ? `${missing.join(", ")} missing. Install with: sudo apt-get install --no-install-recommends ${missing.join(" ")}`
    : process.getuid?.() !== 0 && "A systemd in namespaces needs root: sudo npm run test:browser";

const display = ":7";
const screen = { width: 1024, height: 768 };
export const unitName = "hearth-display.service";

/** A virtual screen in place of a card: the same programs, told to draw in a window of it. */
const dropIn = `[Service]
Environment=DISPLAY=${display} WLR_BACKENDS=x11 WLR_RENDERER=pixman HEARTH_DISPLAY_FLAGS=--disable-gpu
`;
const xvfb = `[Service]
ExecStart=/usr/bin/Xvfb ${display} -ac -screen 0 ${screen.width}x${screen.height}x24
`;
const daemon = `[Service]
Type=notify
NotifyAccess=all
Environment=HEARTH_STATE=/run/hearth-state HEARTH_CONFIG=/dev/null
ExecStart=/usr/bin/node /checkout/dist/cli/main.js serve --listen 127.0.0.1:11434
`;

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `#rrggbb` of a pixel. */
  at(x: number, y: number): string;
  /** Pixels of each colour. */
  readonly colours: ReadonlyMap<string, number>;
}

export class DisplayBox {
  readonly #init: number;

  constructor(init: number) {
    this.#init = init;
  }

  /** Runs a command inside; throws where it fails. */
  run(command: string, ...args: readonly string[]): string {
    const inside = ["-t", String(this.#init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"];
    const words = [...inside, "env", `DISPLAY=${display}`, command, ...args];
    const { status, stdout, stderr } = spawnSync("nsenter", words, { encoding: "utf8", timeout: 60_000 });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  property(name: string, unit = unitName): string {
    return this.run("systemctl", "show", "--value", `--property=${name}`, unit).trim();
  }

  journal(): string {
    return this.run("journalctl", "--no-pager", "--output=cat", `--unit=${unitName}`, "--lines=30");
  }

  /** Has every page show a text; the number of pages that hear of it. */
  show(text: string): number {
    const script = `fetch("http://127.0.0.1:11434/hearth/v1/kiosk", { method: "POST", headers: { "content-type": "application/json" },
      body: ${JSON.stringify(JSON.stringify({ text }))} }).then((r) => r.json()).then(({ kiosks }) => console.log(kiosks), () => console.log(0))`;
    return Number(this.run("/usr/bin/node", "-e", script));
  }

  /** The processes of the unit, by their ids inside, with their commands. */
  processes(): { readonly pid: number; readonly command: string }[] {
    const group = this.property("ControlGroup");
    const found = this.run(
      "sh",
      "-c",
      `cat /sys/fs/cgroup/systemd${group}/cgroup.procs 2>/dev/null || cat /sys/fs/cgroup${group}/cgroup.procs`,
    );
    return found
      .split("\n")
      .filter(Boolean)
      .map((pid) => ({ pid: Number(pid), command: this.run("sh", "-c", `tr '\\0' ' ' </proc/${pid}/cmdline || true`) }))
      .filter(({ command }) => command !== "");
  }

  /** Bytes of all processes of the unit; what several share counts once. */
  memory(): number {
    return this.processes().reduce((sum, { pid }) => {
      const rollup = this.run("sh", "-c", `cat /proc/${pid}/smaps_rollup 2>/dev/null || true`);
      return sum + 1024 * Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
    }, 0);
  }

  /** The picture on the screen; a copy of it as a PNG where `file` says. */
  picture(file: string): Picture {
    this.run("sh", "-c", "xwd -root -silent >/run/screen.xwd && xwdtopnm /run/screen.xwd >/run/screen.ppm 2>/dev/null");
    const ppm = readFileSync(`/proc/${this.#init}/root/run/screen.ppm`);
    mkdirSync(path.dirname(file), { recursive: true });
    const png = spawnSync("pnmtopng", { input: ppm, maxBuffer: 2 ** 26 });
    writeFileSync(file, png.stdout);
    return readPpm(ppm);
  }

  async until<T>(what: string, look: () => T, limitMs = 60_000): Promise<NonNullable<T>> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const found = look();
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`${what} did not come.\n${this.journal()}`);
      await delay(500);
    }
  }
}

function readPpm(ppm: Buffer): Picture {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.toString("latin1", 0, 64));
  if (!header) throw new Error("This is no picture.");
  const [width, height] = [Number(header[1]), Number(header[2])];
  const pixels = ppm.subarray(header[0].length);
  const at = (x: number, y: number) => `#${pixels.toString("hex", 3 * (y * width + x), 3 * (y * width + x) + 3)}`;
  const colours = new Map<string, number>();
  for (let i = 0; i < width * height; i++) {
    const colour = `#${pixels.toString("hex", 3 * i, 3 * i + 3)}`;
    colours.set(colour, (colours.get(colour) ?? 0) + 1);
  }
  return { width, height, at, colours };
}

/** The box with the unit installed and not started. */
export async function startDisplayBox(t: TestContext): Promise<DisplayBox> {
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache"), "hearthd");
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(path.join(cache, "display-"));
  const place = (file: string, text: string) => {
    const target = path.join(scratch, "upper", file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text, { mode: 0o755 });
  };
  const units = "etc/systemd/system";
  place(`${units}/${unitName}`, readFileSync(path.join(root, "deploy/kiosk", unitName), "utf8"));
  place("usr/lib/hearthd/kiosk/browser", readFileSync(path.join(root, "deploy/kiosk/browser"), "utf8"));
  place(`${units}/${unitName}.d/screen.conf`, dropIn);
  place(`${units}/xvfb.service`, xvfb);
  place(`${units}/hearthd.service`, daemon);
  // Nothing of this machine's own services.
  symlinkSync("/lib/systemd/system/basic.target", path.join(scratch, "upper", units, "default.target"));
  // It ends with this process, however that ends.
  const boot = ["--pdeathsig", "KILL", "bash", path.join(root, "test/box/boot.sh"), "/", root, scratch];
  const booted = spawn("setpriv", boot, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => booted.on("close", resolve));
  t.after(async () => {
    booted.kill("SIGKILL"); // unshare takes its child with it
    await ended;
    removeControlGroups();
    rmSync(scratch, { recursive: true, force: true });
  });
  const init = await initOf(booted);
  const box = new DisplayBox(init);
  // The groups of devices, which a machine without udev lacks.
  for (const group of ["video", "render", "input"]) box.run("groupadd", "--force", "--system", group);
  await box.until("The display", () => {
    box.run("systemctl", "start", "xvfb", "hearthd");
    return box.run("sh", "-c", "test -e /tmp/.X11-unix/X7 && echo yes || true");
  });
  return box;
}

/** The process id of the box's systemd as this machine sees it, once it takes orders. */
async function initOf(parent: ChildProcess): Promise<number> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && parent.exitCode === null) {
    const children = `/proc/${parent.pid}/task/${parent.pid}/children`;
    const [child] = existsSync(children) ? readFileSync(children, "utf8").trim().split(" ").filter(Boolean) : [];
    if (child && readFileSync(`/proc/${child}/comm`, "utf8").trim() === "systemd") {
      const args = ["-t", child, "-m", "-p", "-r", "-w", "systemctl", "is-system-running", "--wait"];
      const { stdout } = spawnSync("nsenter", args, { encoding: "utf8", timeout: 60_000 });
      if (/running|degraded/.test(stdout)) return Number(child);
    }
    await delay(200);
  }
  throw new Error("The box did not boot.");
}
