/**
 * A running box as its cases see it: commands inside, the service, its journal, requests. Runs in the network of the box and in the
 * files of this machine, so that it needs no Node there.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const port = 11434;
export const url = `http://127.0.0.1:${port}`;
export const configuration = "/etc/hearth/hearth.toml";
export const keysFile = "/etc/hearth/credentials/api-keys";

export class Box {
  #init;
  #startedAt = 0;

  /** `init`: the process id of the box's systemd, as this machine sees it. */
  constructor(init) {
    this.#init = init;
    this.root = `/proc/${init}/root`;
  }

  /** Runs a command inside: { status, stdout, stderr }. */
  run(command, args = [], { input, env = {}, limitMs = 180_000 } = {}) {
    const namespaces = ["-t", String(this.#init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"];
    const variables = Object.entries({
      PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      LC_ALL: "C",
      ...env,
    });
    const words = ["env", "-i", ...variables.map(([name, value]) => `${name}=${value}`), command, ...args];
    return spawnSync("nsenter", [...namespaces, ...words], { encoding: "utf8", timeout: limitMs, input });
  }

  sh(script) {
    return this.run("sh", ["-c", script]);
  }

  /** Runs a command inside that has to end well, and returns what it printed. */
  must(command, ...args) {
    const { status, stdout, stderr } = this.run(command, args);
    if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  systemctl(...args) {
    return this.run("systemctl", args);
  }

  file(name) {
    return path.join(this.root, name);
  }

  write(name, text) {
    mkdirSync(path.dirname(this.file(name)), { recursive: true });
    writeFileSync(this.file(name), text);
  }

  read(name) {
    return readFileSync(this.file(name), "utf8");
  }

  /** Properties of a unit, by name. */
  unit(name = "hearthd.service") {
    const names = ["ActiveState", "SubState", "NRestarts", "MainPID", "ExecMainStatus", "StatusText", "Result"];
    const lines = this.systemctl("show", name, `--property=${names.join(",")}`)
      .stdout.trim()
      .split("\n");
    return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
  }

  /** From now on journal() shows what comes. */
  mark() {
    this.#startedAt = Date.now() / 1000;
  }

  journal(...args) {
    const since = `--since=@${this.#startedAt.toFixed(3)}`;
    return this.run("journalctl", ["--unit=hearthd", "--output=cat", "--no-pager", since, ...args]).stdout;
  }

  /** The service's own sentences about why it ended. */
  sentences() {
    return this.journal()
      .split("\n")
      .filter((line) => line.startsWith("hearth: "));
  }

  /** Starts the service anew with this configuration, without waiting for it. */
  start(lines = []) {
    this.systemctl("stop", "hearthd.service", "hearthd.socket");
    this.systemctl("reset-failed", "hearthd.service", "hearthd.socket");
    this.configure(lines);
    this.mark();
    this.systemctl("start", "--no-block", "hearthd");
  }

  configure(lines) {
    this.write(configuration, ['state.path = "/var/lib/hearth"', ...lines, ""].join("\n"));
  }

  /** Settings of the unit that hold until dropped() is called with the same name. */
  dropIn(name, section, lines) {
    this.write(`/run/systemd/system/hearthd.service.d/${name}.conf`, `[${section}]\n${lines.join("\n")}\n`);
    this.systemctl("daemon-reload");
  }

  dropped(name) {
    rmSync(this.file(`/run/systemd/system/hearthd.service.d/${name}.conf`), { force: true });
    this.systemctl("daemon-reload");
  }

  async serving(limitMs = 30_000) {
    await this.until("Serving", () => this.unit().StatusText.startsWith("Serving"), limitMs);
  }

  async until(what, condition, limitMs = 30_000) {
    const deadline = Date.now() + limitMs;
    while (!(await condition())) {
      if (Date.now() > deadline) this.fail(`${what} did not come`);
      await sleep(100);
    }
  }

  check(condition, what) {
    if (!condition) this.fail(what);
  }

  fail(what) {
    throw new Error(`${what}: ${JSON.stringify(this.unit())}\n${this.journal()}`);
  }

  neverRestarted() {
    this.check(this.unit().NRestarts === "0", "it was restarted");
  }
}

/** Whether a server answers there. */
export async function answers(host = "127.0.0.1") {
  try {
    return (await fetch(`http://${host}:${port}/healthz`, { signal: AbortSignal.timeout(2000) })).status === 200;
  } catch {
    return false;
  }
}

/** A question to Spark: { status, text }. */
export async function ask(input = "Hello! Who are you?", headers = {}) {
  const body = JSON.stringify({ model: "default", input, temperature: 0, max_output_tokens: 40 });
  const response = await fetch(`${url}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
    signal: AbortSignal.timeout(30_000),
  });
  const answer = await response.json();
  return { status: response.status, text: answer.output?.[0]?.content?.[0]?.text ?? JSON.stringify(answer) };
}

export { sleep };
