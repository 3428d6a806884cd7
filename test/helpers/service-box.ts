/** A machine whose systemd, journal and package tools are small scripts: they run a real daemon, and note what they were told. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import type { TestContext } from "node:test";
import { type CommandResult, hearth, spawnHearth } from "./command.js";
import { temporaryFolder } from "./folder.js";
import { root } from "./shared.js";

export interface ServiceBox {
  readonly folder: string;
  readonly file: string;
  readonly state: string;
  readonly port: number;
  /** The commands that the tools were given, in order. */
  calls(): readonly string[];
  /** Runs a command of hearth on the machine. */
  run(...args: string[]): Promise<CommandResult>;
  /** Starts a command of hearth on the machine. */
  spawn(...args: string[]): ChildProcessWithoutNullStreams;
  /** Runs it as a user who may change nothing. Needs root. */
  runAsNobody(...args: string[]): Promise<CommandResult>;
  systemctl(...args: string[]): Promise<void>;
  /** Puts a tool of the system into place. */
  tool(name: string, script: string): void;
}

const systemctl = `
alive() { [ -e "$BOX/pid" ] && kill -0 "$(cat "$BOX/pid")" 2>/dev/null; }
case "$*" in
  show*)
    if alive; then active=active; else active=$(cat "$BOX/ended" 2>/dev/null || echo inactive); fi
    printf 'LoadState=loaded\\nActiveState=%s\\nUnitFileState=enabled\\nResult=success\\nNRestarts=0\\n' "$active"
    printf 'MainPID=%s\\nExecMainStatus=0\\nStatusText=\\n' "$(cat "$BOX/pid" 2>/dev/null || echo 0)"
    ;;
  stop*|disable*)
    if alive; then kill "$(cat "$BOX/pid")"; while alive; do sleep 0.02; done; fi
    rm -f "$BOX/pid"
    ;;
  "start hearthd.service" | "restart hearthd.service")
    if alive; then kill "$(cat "$BOX/pid")"; while alive; do sleep 0.02; done; fi
    lines=$(wc -l <"$BOX/journal")
    [ ! -d "$BOX/credentials" ] || export CREDENTIALS_DIRECTORY="$BOX/credentials"
    (env -u HEARTH_STATE setsid "$NODE" "$PROGRAM" serve --config "$HEARTH_CONFIG" >>"$BOX/journal" 2>&1; echo failed >"$BOX/ended") >/dev/null 2>&1 </dev/null &
    while :; do
      tail -n +$((lines + 1)) "$BOX/journal" | grep -q '"listening"' && break
      if tail -n +$((lines + 1)) "$BOX/journal" | grep -q '^hearth: '; then exit 1; fi
      sleep 0.05
    done
    pgrep -f -- "serve --config $HEARTH_CONFIG" | while read -r pid; do
      case $(cat /proc/$pid/comm) in node*|MainThread) echo "$pid" >"$BOX/pid" ;; esac
    done
    ;;
esac
`;
const journalctl = `
case "$*" in *--follow*) exec tail -n 1000 -f "$BOX/journal" ;; *) exec cat "$BOX/journal" ;; esac
`;

/** Nothing runs yet. `more`: lines of the configuration. */
export async function serviceBox(t: TestContext, more = ""): Promise<ServiceBox> {
  let file = "";
  // Before the folder goes, and by name: a daemon that has just been started has not noted its number yet.
  t.after(() => file !== "" && spawnSync("pkill", ["-KILL", "-f", "--", `serve --config ${file}`]));
  const folder = temporaryFolder(t);
  const bin = path.join(folder, "bin");
  const state = path.join(folder, "state");
  file = path.join(folder, "hearth.toml");
  chmodSync(folder, 0o755);
  mkdirSync(bin);
  mkdirSync(state);
  const port = await freePort();
  writeFileSync(path.join(folder, "journal"), "");
  writeFileSync(path.join(folder, "calls"), "");
  writeFileSync(
    file,
    `# The owner's own words.\n[server]\nlisten = "127.0.0.1:${port}" # this machine alone\n\n[state]\npath = "${state}"\n[machine]\nroot = "${folder}"\n${more}`,
  );
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    BOX: folder,
    NODE: process.execPath,
    PROGRAM: path.join(root, "dist", "cli", "main.js"),
    HEARTH_CONFIG: file,
    HEARTH_STATE: state,
  };
  const box: ServiceBox = {
    folder,
    file,
    state,
    port,
    calls: () => readFileSync(path.join(folder, "calls"), "utf8").trim().split("\n"),
    run: (...args) => hearth(t, args, { env }),
    spawn: (...args) => spawnHearth(t, args, env),
    runAsNobody: (...args) =>
      hearth(t, args, { env, through: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] }),
    systemctl: async (...args) => {
      const child = spawn(path.join(bin, "systemctl"), args, { env: { ...process.env, ...env }, stdio: "ignore" });
      await new Promise((resolve) => child.on("exit", resolve));
    },
    tool(name, script) {
      const place = path.join(bin, name);
      writeFileSync(place, `#!/bin/sh\necho "${name} $*" >>"$BOX/calls"\n${script}`);
      chmodSync(place, 0o755);
    },
  };
  box.tool("systemctl", systemctl);
  box.tool("journalctl", journalctl);
  return box;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
