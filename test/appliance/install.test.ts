/**
 * deploy/install.sh in a mount namespace, where it sees an /opt and an /etc of its own, and stand-ins for systemd's commands: the
 * service starts when the installed program says "good".
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../helpers/folder.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Ordinary users may have namespaces, too, where the kernel allows it. */
const namespace = ["--mount", "--map-root-user", "--propagation", "private"];
const allowed =
  existsSync("/usr/bin/node") && spawnSync("unshare", [...namespace, "mount", "-t", "tmpfs", "x", "/opt"]).status === 0;
const skip = allowed ? false : "needs /usr/bin/node and mount namespaces: run it as root";

/** /opt, /etc and /usr/local/bin of the box are folders of the test's, so that it can look into them. */
const enter = `
box=$1
cp /etc/passwd /etc/group "$box/etc/"
mkdir -p "$box/etc/systemd/system"
mount --bind "$box/opt" /opt
mount --bind "$box/bin" /usr/local/bin
[ ! -e "$box/node" ] || mount --bind "$box/node" /usr/bin/node
mount --bind "$box/etc" /etc
PATH="$box/commands:$PATH" exec sh "$box/checkout/deploy/install.sh"`;

class Box {
  constructor(readonly folder: string) {
    for (const name of ["opt", "etc", "bin", "commands"]) mkdirSync(path.join(folder, name));
    const shown = "case $2 in *ActiveState) echo active ;; *) echo Serving spark ;; esac";
    this.command(
      "systemctl",
      `case $1 in restart) grep -q good /opt/hearth/dist/cli/main.js ;; show) ${shown} ;; esac`,
    );
    for (const name of ["systemd-sysusers", "systemd-tmpfiles"]) this.command(name, "exit 0");
    this.command("journalctl", `echo starting; echo "hearth: MODEL_MISSING: It is not there. Pull it."; echo ended`);
  }

  command(name: string, script: string): void {
    const file = path.join(this.folder, name === "node" ? name : path.join("commands", name));
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** Installs a version whose program holds `program` and whose unit holds `unit`. */
  install(program: string, unit = "first"): { status: number | null; said: string } {
    const files: Record<string, string> = {
      "dist/cli/main.js": program,
      "package.json": "{}",
      LICENSE: "",
      "models/spark/spark.gguf": "",
      "build/Release/hearth.node": "",
      "systemd/hearthd.service": unit,
      "systemd/hearthd.socket": "socket",
      "systemd/hearth-kiosk.service": unit,
      "systemd/socket-address": "ExecStart=/usr/lib/hearthd/bin/node",
      "systemd/hearthd-generator": "",
      "deploy/hearth.toml": "",
      "deploy/kiosk/hearth-display.service": "ExecStart=/usr/bin/cage -s -- /usr/lib/hearthd/kiosk/browser",
      "deploy/kiosk/browser": "a browser",
    };
    const checkout = path.join(this.folder, "checkout");
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(checkout, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    for (const script of ["install.sh", "deb/service.sh"]) {
      cpSync(path.join(root, "deploy", script), path.join(checkout, "deploy", script));
    }
    const { status, stderr } = spawnSync("unshare", [...namespace, "sh", "-ec", enter, "enter", this.folder], {
      encoding: "utf8",
    });
    return { status, said: stderr };
  }

  read(...parts: string[]): string {
    return readFileSync(path.join(this.folder, ...parts), "utf8");
  }
}

const box = (t: TestContext) => new Box(temporaryFolder(t));

test("install.sh puts a version that starts into place, and keeps the one before", { skip }, (t) => {
  const machine = box(t);
  assert.equal(machine.install("good 1").status, 0);
  assert.equal(machine.install("good 2").status, 0);
  assert.equal(machine.read("opt", "hearth", "dist", "cli", "main.js"), "good 2");
  assert.equal(machine.read("opt", "hearth.old", "dist", "cli", "main.js"), "good 1");
});

test("install.sh installs the units of the package, for the place that it installs to", { skip }, (t) => {
  const machine = box(t);
  assert.equal(machine.install("good 1", "ExecStart=/usr/lib/hearthd/bin/node").status, 0);
  assert.equal(machine.read("etc", "systemd", "system", "hearthd.service"), "ExecStart=/opt/hearth/bin/node");
  assert.equal(machine.read("etc", "systemd", "system", "hearthd.socket"), "socket");
  assert.equal(machine.read("etc", "systemd", "system", "hearth-kiosk.service"), "ExecStart=/opt/hearth/bin/node");
  const display = machine.read("etc", "systemd", "system", "hearth-display.service");
  assert.equal(display, "ExecStart=/usr/bin/cage -s -- /opt/hearth/kiosk/browser");
  assert.equal(machine.read("opt", "hearth", "kiosk", "browser"), "a browser");
});

test("install.sh goes back to the version before, and to its unit, where the new one does not start", { skip }, (t) => {
  const machine = box(t);
  assert.equal(machine.install("good 1", "first").status, 0);
  const { status, said } = machine.install("broken", "second");
  assert.equal(status, 1);
  assert.match(said, /the one that was there is back and runs/);
  assert.equal(machine.read("opt", "hearth", "dist", "cli", "main.js"), "good 1");
  assert.equal(machine.read("etc", "systemd", "system", "hearthd.service"), "first");
});

test("install.sh shows hearth's own sentence where the start fails", { skip }, (t) => {
  const { status, said } = box(t).install("broken");
  assert.equal(status, 1);
  const lines = said.trim().split("\n");
  assert.equal(lines[0], "hearth: MODEL_MISSING: It is not there. Pull it.");
  assert.equal(lines.length, 2, said);
});

test("install.sh shows the journal's last lines where hearth said nothing", { skip }, (t) => {
  const machine = box(t);
  machine.command("journalctl", "echo node: not found");
  assert.match(machine.install("broken").said, /^node: not found$/m);
});

test("install.sh refuses a /usr/bin/node that is too old, before it changes anything", { skip }, (t) => {
  const machine = box(t);
  machine.command("node", "echo v18.20.4");
  const { status, said } = machine.install("good 1");
  assert.equal(status, 1);
  assert.match(said, /v18\.20\.4, and hearth needs 20 or newer/);
  assert.equal(existsSync(path.join(machine.folder, "opt", "hearth")), false);
});
