/**
 * Real clients of npm and of PyPI against a daemon, on demand: they are installed into a cache, which takes minutes the first time.
 * --only=WORD runs those whose name has the word, --newest installs their newest versions, --write writes docs/clients.md.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { startDaemon } from "../bench/daemon.mjs";
import { copyScripts, findInstalled, installNpm, installPython, versionOf } from "../clients/install.mjs";
import { clients } from "../clients/list.mjs";
import { fetchModel } from "../models/fetch.mjs";
import { run } from "./command.mjs";
import { count, oneLine, readChecks, sayRow, total, writeTable } from "./outcomes.mjs";

export const clientsSuite = { name: "clients", long: true, run: runClients };

const scriptLimitSeconds = 600;
const models = [{ name: "spark" }, { name: "qwen2.5-coder-0.5b" }];

async function runClients(root, options) {
  const only = options.find((option) => option.startsWith("--only="))?.slice("--only=".length);
  const chosen = clients.filter(({ name }) => !only || name.toLowerCase().includes(only.toLowerCase()));
  const newest = options.includes("--newest");
  const logs = path.join(root, "build", "clients");
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });

  const rows = [];
  const add = (row) => {
    rows.push(row);
    sayRow(`${row.client} (${row.registry}) ${row.version}, ${row.model}`, row.checks);
    if (options.includes("--write")) write(root, rows);
  };
  const installed = [];
  for (const client of chosen) {
    try {
      installed.push({ ...client, ...(await install(root, client, newest, logs, installed)) });
    } catch (error) {
      const checks = [{ check: "install", outcome: "skipped", detail: error.message }];
      add({ client: client.name, registry: client.registry, version: "", model: "-", checks });
    }
  }
  for (const model of models) {
    const asked = installed.filter((client) => client.models?.includes(model.name) ?? true);
    if (asked.length === 0) continue;
    let file = "";
    try {
      if (model.name !== "spark") file = await fetchModel(root, model.name, path.join(logs, "fetch.log"));
    } catch (error) {
      const checks = [{ check: "fetch", outcome: "skipped", detail: error.message }];
      add({ client: "all clients", registry: "-", version: "", model: model.name, checks });
      continue;
    }
    const daemon = await startDaemon(file, { HEARTH_CONFIG: "/dev/null" });
    try {
      for (const client of asked) {
        const checks = await ask(root, client, daemon, model.name, logs);
        add({ client: client.name, registry: client.registry, version: client.version, model: model.name, checks });
      }
    } finally {
      await daemon.stop();
    }
  }
  return { ...total(rows), note: `logs in ${path.relative(root, logs)}` };
}

/** `before`: what is installed already, of which one may share the folder. */
async function install(root, client, newest, logs, before) {
  const { registry, folder: name, packages } = client;
  const log = path.join(logs, `install-${registry}-${name}.log`);
  const shares = before.some((each) => each.registry === registry && path.basename(each.folder) === name);
  const how = { log, newest: newest && !shares };
  const installers = { npm: installNpm, PyPI: installPython, Debian: findInstalled };
  const folder = await installers[registry](name, packages, how);
  if (registry !== "PyPI") {
    const from = path.join(root, "test", "clients");
    copyScripts(from, ["scenario.json", ...readdirSync(path.join(from, "npm")).map((file) => `npm/${file}`)], folder);
  }
  return { folder, version: await versionOf(client, folder, log) };
}

/** The checks of one client on one model; an error in the daemon's log is one that failed. */
async function ask(root, { registry, script, folder }, daemon, model, logs) {
  const [command, file] =
    registry === "PyPI"
      ? [path.join(folder, "bin", "python"), path.join(root, "test", "clients", "python", `${script}.py`)]
      : [process.execPath, path.join(folder, `${script}.mjs`)];
  const before = daemon.log.length;
  const env = {
    HEARTH_URL: daemon.url,
    HEARTH_MODEL: model,
    PYTHONDONTWRITEBYTECODE: "1",
    LITELLM_LOCAL_MODEL_COST_MAP: "True", // else it is loaded from the internet
  };
  const log = path.join(logs, `${registry}-${script}-${model}.log`);
  const checks = readChecks(await run(root, command, [file], { env, log, limitSeconds: scriptLimitSeconds }));
  for (const line of daemon.log.slice(before).filter(({ level }) => level === "error" || level === "fatal")) {
    checks.push({ check: "no error in hearth's log", outcome: "failed", detail: JSON.stringify(line) });
  }
  return checks;
}

function write(root, rows) {
  const why = (checks, outcome) =>
    checks
      .filter((each) => each.outcome === outcome)
      .map(({ check, detail }) => `${check} (${oneLine(detail, 160)})`)
      .join("; ");
  writeTable(root, "clients.md", "clients", {
    keys: 3,
    header: ["client", "from", "model", "version", "passed", "failed", "skipped"],
    rows: rows.map(({ client, registry, version, model, checks }) => [
      client,
      registry,
      model,
      version,
      String(count(checks, "passed")),
      `${count(checks, "failed")}${count(checks, "failed") > 0 ? `: ${why(checks, "failed")}` : ""}`,
      why(checks, "skipped"),
    ]),
  });
}
