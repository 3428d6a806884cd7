/**
 * The life of the service, inside a box with a real systemd: node /checkout/test/box/cases.mjs. Prints TAP. A case ends well when the
 * service is up, or stopped with one sentence, and was never restarted.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const laterAddress = "192.168.77.5";
const port = 11434;

const systemctl = (...args) => spawnSync("systemctl", args, { encoding: "utf8", timeout: 90_000 });

/** Properties of the service, by name. */
function service() {
  const names = ["ActiveState", "SubState", "NRestarts", "MainPID", "ExecMainStatus", "StatusText", "Result"];
  const { stdout } = systemctl("show", "hearthd", `--property=${names.join(",")}`);
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/=(.*)/s)),
  );
}

/** The service's journal since the case began. */
function journal(...args) {
  return execFileSync("journalctl", ["--unit=hearthd", "--output=cat", `--since=@${startedAt}`, ...args], {
    encoding: "utf8",
  });
}

let startedAt = 0;

/** Starts the service anew with this configuration, without waiting for it. */
function start(lines) {
  systemctl("stop", "hearthd");
  systemctl("reset-failed", "hearthd");
  writeFileSync(
    "/etc/hearth/hearth.toml",
    ['state.path = "/var/lib/hearth"', 'auth.mode = "off"', ...lines, ""].join("\n"),
  );
  startedAt = Date.now() / 1000;
  systemctl("start", "--no-block", "hearthd");
}

/** Another program that holds the port while `during` runs. */
async function whilePortIsTaken(during) {
  systemctl("stop", "hearthd");
  const other = createServer();
  await new Promise((resolve, reject) => other.once("error", reject).listen(port, "127.0.0.1", resolve));
  try {
    await during();
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
}

async function answers(host) {
  try {
    return (await fetch(`http://${host}:${port}/healthz`, { signal: AbortSignal.timeout(2000) })).status === 200;
  } catch {
    return false;
  }
}

async function until(what, condition, limitMs = 30_000) {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come: ${JSON.stringify(service())}\n${journal()}`);
    await sleep(200);
  }
}

function check(condition, what) {
  if (!condition) throw new Error(`${what}: ${JSON.stringify(service())}\n${journal()}`);
}

function neverRestarted() {
  check(service().NRestarts === "0", "it was restarted");
}

/** Up for good, or stopped for good with one sentence. */
async function upOrStopped() {
  await until("up or stopped", async () => (await answers("127.0.0.1")) || service().ActiveState === "failed");
  await sleep(8000); // longer than RestartSec
  neverRestarted();
  if (service().ActiveState === "active") return check(await answers("127.0.0.1"), "it is active and does not answer");
  const { ExecMainStatus } = service();
  check(ExecMainStatus === "2", "its exit status is not 2");
  const sentences = journal()
    .split("\n")
    .filter((line) => line.startsWith("hearth: "));
  check(sentences.length === 1 && !/INTERNAL/.test(sentences[0]), "it does not say why in one sentence");
}

const cases = {
  async "an address of the LAN that comes after 20 s"() {
    start([`server.listen = "${laterAddress}:${port}"`]);
    await sleep(20_000);
    check(service().StatusText.startsWith("Waiting to listen"), "its status does not say that it waits");
    const { MainPID } = service();
    execFileSync("ip", ["address", "add", `${laterAddress}/32`, "dev", "lo"]);
    await until("an answer", () => answers(laterAddress));
    check(service().MainPID === MainPID, "it is another process");
    neverRestarted();
  },

  async "a port that is taken for 10 s"() {
    await whilePortIsTaken(async () => {
      start([]);
      await sleep(10_000);
      check(service().StatusText.startsWith("Waiting to listen"), "its status does not say that it waits");
    });
    await until("an answer", () => answers("127.0.0.1"));
    neverRestarted();
  },

  async "the journal knows which lines are warnings"() {
    check(journal("--priority=warning").includes("waiting to listen"), "the warning has no priority");
    check(!journal("--priority=warning").includes('"level":"info"'), "information is a warning");
  },

  async "a port that stays taken: the start ends, the status says why"() {
    await whilePortIsTaken(async () => {
      start([]);
      check(systemctl("start", "hearthd").status === 0, "systemctl start failed or did not end");
      check(service().StatusText.startsWith("Waiting to listen"), "its status does not say that it waits");
      await sleep(30_000);
      check(service().ActiveState === "active", "it does not wait any more");
      neverRestarted();
      check(systemctl("stop", "hearthd").status === 0 && service().Result === "success", "it does not stop");
    });
  },

  async SIGHUP() {
    start([]);
    await until("an answer", () => answers("127.0.0.1"));
    const { MainPID } = service();
    for (let i = 0; i < 3; i++) systemctl("kill", "--signal=HUP", "hearthd");
    await sleep(2000);
    check((await answers("127.0.0.1")) && service().MainPID === MainPID, "it is not the same process");
    neverRestarted();
  },

  async "a model under /home"() {
    mkdirSync("/home/pi", { recursive: true, mode: 0o700 });
    copyFileSync(sparkFile(), "/home/pi/model.gguf");
    start(['model.path = "/home/pi/model.gguf"']);
    await upOrStopped();
  },

  async "a model of the store that is missing"() {
    start(['model.path = "gone"']);
    await upOrStopped();
  },

  async "a model file that is missing"() {
    start(['model.path = "/var/lib/hearth/gone.gguf"']);
    await upOrStopped();
  },
};

function sparkFile() {
  const [name] = execFileSync("ls", ["/opt/hearth/models/spark"], { encoding: "utf8" })
    .split("\n")
    .filter((file) => file.endsWith(".gguf"));
  return `/opt/hearth/models/spark/${name}`;
}

process.stdout.write(`# ${readFileSync("/etc/os-release", "utf8").split("\n")[0]}, node ${process.version}\n`);
let number = 0;
let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  number++;
  try {
    await run();
    process.stdout.write(`ok ${number} - ${name}\n`);
  } catch (error) {
    process.stdout.write(`not ok ${number} - ${name}\n# ${error.message.trim().replace(/\n/g, "\n# ")}\n`);
    failed++;
  }
}
systemctl("stop", "hearthd");
process.exit(failed > 0 ? 1 : 0);
