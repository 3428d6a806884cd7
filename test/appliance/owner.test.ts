/** The owner's commands against a running service: status, models find, use, lan, logs, update, uninstall. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as selfSigned from "selfsigned";
import { hearth } from "../helpers/command.js";
import { type ServiceBox, serviceBox } from "../helpers/service-box.js";
import { missing, shared } from "../helpers/shared.js";

const stories = "models/stories260K.gguf";
const skip = missing(stories);

async function runningBox(t: TestContext, more = ""): Promise<ServiceBox> {
  const box = await serviceBox(t, more);
  await box.systemctl("start", "hearthd.service");
  return box;
}

async function ask(box: ServiceBox, key = ""): Promise<Response> {
  return fetch(`http://127.0.0.1:${box.port}/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model: "default", input: "Hello", max_output_tokens: 5 }),
  });
}

test("status tells model, board, memory, pace, queue and clients of the running daemon", async (t) => {
  const box = await runningBox(t);
  assert.equal((await ask(box)).status, 200);
  const { stdout, stderr, status } = await box.run("status");
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^hearth \\S+ at http://127\\.0\\.0\\.1:${box.port}, up `));
  assert.match(stdout, /^model {4}spark: Q8_0 llama, 5\.70 M parameters, /m);
  assert.match(stdout, /^queue {4}0 of 4 slots busy, 0 waiting$/m);
  assert.match(stdout, /^clients {2}127\.0\.0\.1 \(1 answer, /m);
  assert.match(stdout, /^state {4}healthy$/m);
  const json = JSON.parse((await box.run("status", "--json")).stdout);
  assert.equal(json.models[0].name, "spark");
  assert.equal(json.clients[0].answers, 1);
  assert.ok(json.memory.residentBytes > 10e6);
});

test("without a daemon status says so, and what to do", async (t) => {
  const box = await serviceBox(t);
  const { status, stderr } = await box.run("status");
  assert.equal(status, 75);
  assert.match(stderr, /^hearth: DAEMON_UNREACHABLE: No daemon listens on .*systemctl start hearthd.*hearth doctor/);
});

test("use changes the model of the service and of its file, and leaves the owner's words there", {
  skip,
}, async (t) => {
  const box = await runningBox(t);
  const imported = await box.run("models", "import", shared(stories));
  assert.equal(imported.status, 0, imported.stderr);
  const used = await box.run("use", "stories260k");
  assert.equal(used.status, 0, used.stderr);
  assert.match(used.stdout, /^the service now answers with stories260K: F32 llama/);
  const text = readFileSync(box.file, "utf8");
  assert.match(text, /^# The owner's own words\.$/m);
  assert.match(text, /^path = "stories260K"$/m);
  assert.equal(JSON.parse((await box.run("status", "--json")).stdout).models[0].name, "stories260K");
  assert.equal((await ask(box)).status, 200);
});

test("use keeps the model that there was where the new one does not become ready, and says why", {
  skip,
}, async (t) => {
  // Heads of this model are too short for that cache.
  const box = await runningBox(t, '[kv]\ntype = "q8_0"\n');
  await box.run("models", "import", shared(stories));
  const before = readFileSync(box.file, "utf8");
  const used = await box.run("use", "stories260k");
  assert.equal(used.status, 2);
  assert.match(
    used.stderr,
    /SERVICE_FAILED: .*OPTION_OUT_OF_RANGE.* The service is back with the configuration that it had\./s,
  );
  assert.equal(readFileSync(box.file, "utf8"), before);
  assert.equal(JSON.parse((await box.run("status", "--json")).stdout).models[0].name, "spark");
});

test("use refuses a file that is no model before the service is touched", async (t) => {
  const box = await runningBox(t);
  const file = path.join(box.folder, "broken.gguf");
  writeFileSync(file, "not a model");
  const before = box.calls().length;
  const used = await box.run("use", file);
  assert.equal(used.status, 2);
  assert.match(used.stderr, /GGUF_/);
  assert.ok(
    !box
      .calls()
      .slice(before)
      .some((call) => call.includes("restart")),
  );
});

test("lan on lets the network in with a key and is announced; lan off takes it back", async (t) => {
  const box = await runningBox(t);
  mkdirSync(path.join(box.folder, "etc", "avahi"), { recursive: true });
  const on = await box.run("lan", "on");
  assert.equal(on.status, 0, on.stderr);
  const key = /^ {2}key {6}(hearth_\S+)$/m.exec(on.stdout)?.[1] ?? "";
  assert.match(on.stdout, new RegExp(`^ {2}address {2}http://\\S+\\.local:${box.port}$`, "m"));
  assert.match(on.stdout, /#key=hearth_/);
  assert.match(on.stdout, /^Browsers and programs on this machine need the key from now on, too\.$/m);
  assert.match(readFileSync(box.file, "utf8"), new RegExp(`listen = "0\\.0\\.0\\.0:${box.port}" # this machine alone`));
  const announcement = path.join(box.folder, "etc", "avahi", "services", "hearth.service");
  assert.match(readFileSync(announcement, "utf8"), new RegExp(`<port>${box.port}</port>`));
  assert.equal((await ask(box)).status, 401);
  assert.equal((await ask(box, key)).status, 200);
  // The state is for programs of this machine, without a key.
  assert.equal((await box.run("status")).status, 0);
  const off = await box.run("lan", "off", "--json");
  assert.deepEqual(JSON.parse(off.stdout), { listen: `127.0.0.1:${box.port}` });
  assert.ok(!existsSync(announcement));
  assert.equal((await ask(box)).status, 200);
});

test("lan on shows the first key of the package, and makes no other", async (t) => {
  const box = await runningBox(t);
  mkdirSync(path.join(box.folder, "etc", "hearth", "credentials"), { recursive: true });
  const first = path.join(box.folder, "etc", "hearth", "credentials", "api-keys");
  writeFileSync(first, "# Each line is a key.\nhearth_first\n");
  // The unit hands that file to the daemon, which this box does not do.
  await box.run("key", "create", "other");
  const on = JSON.parse((await box.run("lan", "on", "--json")).stdout);
  assert.equal(on.key, "hearth_first");
  assert.equal(on.announced, false);
  assert.equal(JSON.parse((await box.run("key", "list", "--json")).stdout).length, 1);
});

test("lan on gives links of https where the certificate is a credential of the service alone", async (t) => {
  const box = await serviceBox(t);
  const credentials = path.join(box.folder, "credentials");
  mkdirSync(credentials);
  const made = await selfSigned.generate([{ name: "commonName", value: "board.local" }]);
  writeFileSync(path.join(credentials, "hearth_tls-cert.pem"), made.cert);
  writeFileSync(path.join(credentials, "hearth_tls-key.pem"), made.private);
  await box.systemctl("start", "hearthd.service");
  const on = await box.run("lan", "on");
  assert.equal(on.status, 0, on.stderr);
  assert.match(on.stdout, new RegExp(`^ {2}address {2}https://\\S+\\.local:${box.port}$`, "m"));
  assert.match(on.stdout, /curl --insecure https:/);
  assert.match(on.stdout, /^https:\/\/\S+#key=hearth_/m);
  assert.match((await box.run("key", "create", "phone", "--link")).stdout, /^https:\/\/\S+#key=hearth_/m);
});

/** A service that is active and never answers. */
const silent = `
case "$*" in
  show*) printf 'LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\nResult=success\\nNRestarts=0\\n' ;;
esac
`;

function startLanOn(box: ServiceBox) {
  const child = box.spawn("lan", "on");
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return { child, said: () => text, ended: new Promise((resolve) => child.on("close", resolve)) };
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`a change that ${signal} stops is taken back, and the command says so`, async (t) => {
    const box = await serviceBox(t);
    box.tool("systemctl", silent);
    const before = readFileSync(box.file, "utf8");
    const { child, said, ended } = startLanOn(box);
    while (!box.calls().includes("systemctl restart hearthd.service")) await sleep(50);
    await sleep(300);
    assert.match(readFileSync(box.file, "utf8"), /listen = "0\.0\.0\.0/);
    // Meanwhile another one is refused.
    const other = await box.run("lan", "off");
    assert.equal(other.status, 75);
    assert.match(other.stderr, /STORE_BUSY: Another command, such as hearth use or hearth lan, is changing/);
    child.kill(signal);
    assert.equal(await ended, 75, said());
    assert.match(
      said(),
      new RegExp(`STOPPED: Stopped by ${signal}\\. The configuration is as it was, and the service has been`),
    );
    assert.equal(readFileSync(box.file, "utf8"), before);
    assert.equal(box.calls().filter((call) => call === "systemctl restart hearthd.service").length, 2);
    assert.ok(!readdirSync(box.folder).some((name) => name.startsWith("hearth.toml.")));
    assert.equal(JSON.parse((await box.run("key", "list", "--json")).stdout).length, 0);
  });
}

/** The first start takes a minute, as with a large model on a slow card. */
const slowStart = `${silent}
case "$*" in
  "restart hearthd.service") if [ ! -e "$BOX/starting" ]; then echo $$ >"$BOX/starting"; exec sleep 60; fi ;;
esac
`;

for (const isTerminal of [false, true]) {
  const whom = isTerminal ? "Ctrl-C, which systemctl hears of first," : "a signal";
  test(`while the service starts ${whom} takes a change back at once`, async (t) => {
    const box = await serviceBox(t);
    box.tool("systemctl", slowStart);
    const before = readFileSync(box.file, "utf8");
    const { child, said, ended } = startLanOn(box);
    const starting = path.join(box.folder, "starting");
    while (!existsSync(starting) || readFileSync(starting, "utf8") === "") await sleep(50);
    assert.notEqual(readFileSync(box.file, "utf8"), before);
    const stoppedAt = performance.now();
    if (isTerminal) process.kill(Number(readFileSync(starting, "utf8")), "SIGINT");
    child.kill("SIGINT");
    assert.equal(await ended, 75, said());
    assert.ok(performance.now() - stoppedAt < 30_000, "it did not wait for the start");
    assert.match(
      said(),
      /STOPPED: Stopped by SIGINT\. The configuration is as it was, and the service has been started/,
    );
    assert.equal(readFileSync(box.file, "utf8"), before);
    assert.equal(box.calls().filter((call) => call === "systemctl restart hearthd.service").length, 2);
  });
}

test("logs tell who asked, what was read and written, and how long it took", async (t) => {
  const box = await runningBox(t);
  await ask(box);
  await ask(box);
  const { stdout, stderr, status } = await box.run("logs");
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\d\d:\d\d:\d\d {2}listening on 127\.0\.0\.1:\d+$/m);
  assert.match(stdout, /127\.0\.0\.1 asked spark: read \d+ tokens, wrote \d+ in \d+\.\d s/);
  assert.match(stdout, /read \d+ tokens \(\d+ known\)/);
  assert.ok(!stdout.includes("{"), stdout);
});

test("update checks the package, installs it with apt-get, and waits for the new version", async (t) => {
  const box = await runningBox(t);
  const file = path.join(box.folder, "hearthd_9.9.9_amd64.deb");
  writeFileSync(file, "a package");
  box.tool("dpkg", "echo amd64");
  box.tool("dpkg-deb", 'printf "Package: hearthd\\nVersion: 9.9.9\\nArchitecture: amd64\\n"');
  box.tool("apt-get", "exit 0");
  const updated = await box.run("update", file);
  assert.equal(updated.status, 0, updated.stderr);
  assert.match(updated.stdout, /is installed and answers/);
  assert.ok(
    box.calls().some((call) => /^apt-get .*install --yes --allow-downgrades/.test(call) && call.includes(file)),
  );
  box.tool("dpkg-deb", 'printf "Package: vim\\nVersion: 9\\nArchitecture: amd64\\n"');
  const other = await box.run("update", file);
  assert.equal(other.status, 2);
  assert.match(other.stderr, /PACKAGE_INVALID: .* is a package of vim/);
  box.tool("dpkg-deb", 'printf "Package: hearthd\\nVersion: 9.9.9\\nArchitecture: arm64\\n"');
  assert.match((await box.run("update", file)).stderr, /is for arm64, and this machine is amd64/);
  box.tool("dpkg-deb", 'printf "Package: hearthd\\nVersion: 9.9.9\\nArchitecture: amd64\\n"');
  box.tool("apt-get", "exit 100");
  const failed = await box.run("update", file);
  assert.equal(failed.status, 2);
  assert.match(failed.stderr, /UPDATE_FAILED: 9\.9\.9 was not installed; \S+ answers\./);
});

test("uninstall asks, removes all, and keeps models where that is wanted", async (t) => {
  const box = await runningBox(t);
  box.tool("dpkg-query", "exit 1");
  mkdirSync(path.join(box.folder, "opt", "hearth"), { recursive: true });
  mkdirSync(path.join(box.state, "models"), { recursive: true });
  writeFileSync(path.join(box.state, "models", "kept"), "weights");
  writeFileSync(path.join(box.state, "keys.json"), "{}");
  writeFileSync(path.join(box.state, "photos.zip"), "of somebody else");
  const asked = await box.run("uninstall");
  assert.equal(asked.status, 2);
  assert.match(asked.stderr, /--yes/);
  assert.ok(existsSync(path.join(box.folder, "opt", "hearth")));
  const gone = await box.run("uninstall", "--yes", "--keep-models");
  assert.equal(gone.status, 0, gone.stderr);
  assert.ok(!existsSync(path.join(box.folder, "opt", "hearth")));
  assert.ok(!existsSync(path.join(box.state, "keys.json")));
  assert.equal(readFileSync(path.join(box.state, "models", "kept"), "utf8"), "weights");
  assert.ok(existsSync(path.join(box.state, "photos.zip")));
  assert.ok(!existsSync(path.join(box.folder, "pid")));
});

test("uninstall of a package is left to dpkg", async (t) => {
  const box = await runningBox(t);
  box.tool("dpkg-query", 'echo "Status: install ok installed"');
  box.tool("dpkg", 'echo "keeps: $HEARTH_KEEP_MODELS" >>"$BOX/calls"');
  const gone = await box.run("uninstall", "--yes", "--json");
  assert.deepEqual(JSON.parse(gone.stdout), { removed: true, models: null });
  assert.ok(box.calls().includes("dpkg --purge hearthd"));
  assert.ok(box.calls().includes("keeps: "));
  assert.ok(!existsSync(box.state));
  mkdirSync(path.join(box.state, "models"), { recursive: true });
  const kept = await box.run("uninstall", "--yes", "--keep-models", "--json");
  assert.deepEqual(JSON.parse(kept.stdout), { removed: true, models: path.join(box.state, "models") });
  assert.ok(box.calls().includes("keeps: yes"));
  assert.ok(existsSync(path.join(box.state, "models")));
});

test("models on a disk of their own stay there", {
  skip: process.getuid?.() === 0 ? false : "run as root: a disk is mounted",
}, async (t) => {
  const box = await runningBox(t);
  box.tool("dpkg-query", "exit 1");
  for (const folder of [box.state, path.join(box.state, "models")]) {
    mkdirSync(folder, { recursive: true });
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "tmpfs", folder], { encoding: "utf8" });
    if (status !== 0) return t.skip(`no tmpfs can be mounted: ${stderr}`);
    t.after(() => spawnSync("umount", ["--lazy", folder]));
  }
  writeFileSync(path.join(box.state, "models", "kept"), "weights");
  writeFileSync(path.join(box.state, "keys.json"), "{}");
  const kept = await box.run("uninstall", "--yes", "--keep-models");
  assert.equal(kept.status, 0, kept.stderr);
  assert.deepEqual(readdirSync(box.state), ["models"]);
  assert.equal(readFileSync(path.join(box.state, "models", "kept"), "utf8"), "weights");
  writeFileSync(path.join(box.state, "keys.json"), "{}");
  const gone = await box.run("uninstall", "--yes");
  assert.equal(gone.status, 0, gone.stderr);
  assert.deepEqual(readdirSync(box.state), ["models"]);
  assert.deepEqual(readdirSync(path.join(box.state, "models")), []);
});

test("the owner's commands say where there is no service", async (t) => {
  const box = await serviceBox(t);
  box.tool("systemctl", "exit 1");
  for (const args of [["use", "spark"], ["lan", "on"], ["logs"]]) {
    const { status, stderr } = await box.run(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /SERVICE_MISSING: This machine has no service hearthd/);
  }
});

test("who may not change the service is asked for a password by sudo, which runs the whole command again", {
  skip: process.getuid?.() === 0 ? false : "run as root: another user is needed that may do less",
}, async (t) => {
  const box = await runningBox(t);
  chmodSync(path.join(box.folder, "calls"), 0o666);
  box.tool("sudo", "exit 0");
  const used = await box.runAsNobody("use", "spark");
  assert.equal(used.status, 0, used.stderr);
  const [asked = "", ran = ""] = box.calls().filter((call) => call.startsWith("sudo "));
  assert.equal(asked, "sudo --non-interactive true");
  assert.match(ran, new RegExp(`^sudo -- env HEARTH_CONFIG=${box.file} .*/dist/cli/main\\.js use spark$`));
  // Nobody there who could type it.
  box.tool("sudo", "exit 1");
  const refused = await box.runAsNobody("lan", "on");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /COMMAND_NEEDS_ROOT: .* Run it as root: `sudo hearth lan on`\./);
});

test("models find shows what fits, how fast it may be and what it is good for, without a network", async (t) => {
  const env = { HTTPS_PROXY: "http://127.0.0.1:1", HEARTH_MODELS_MEMORY_BYTES: "2000000000" };
  const found = await hearth(t, ["models", "find"], { env });
  assert.equal(found.status, 0, found.stderr);
  assert.match(found.stdout, /^gemma3:1b.* {2}815 MB {2}/m);
  assert.ok(!found.stdout.includes("qwen3:8b"));
  const all = JSON.parse((await hearth(t, ["models", "find", "--all", "--json"], { env })).stdout);
  const large = all.models.find(({ name }: { name: string }) => name === "qwen3:8b");
  assert.equal(large.fits, false);
  assert.ok(large.memoryBytes > large.fileBytes);
  const code = JSON.parse((await hearth(t, ["models", "find", "code", "--json"], { env })).stdout);
  assert.deepEqual(
    code.models.map(({ name }: { name: string }) => name),
    ["qwen2.5-coder:1.5b"],
  );
});

test("models find takes as much memory for a context as the engine's plan", async (t) => {
  const env = { HEARTH_KV_TYPE: "q8_0", HEARTH_CONTEXT_TOKENS: "1024", HEARTH_SLOTS: "3" };
  const found = JSON.parse((await hearth(t, ["models", "find", "spark", "--json"], { env })).stdout);
  const planned = JSON.parse((await hearth(t, ["plan", "spark", "--json"], { env })).stdout);
  const [spark] = found.models;
  assert.equal(spark.memoryBytes - spark.fileBytes, planned.kvBytes);
});

test("doctor on a machine without a service has something to say, and ends well unless something is broken", async (t) => {
  const { stdout, status, stderr } = await hearth(t, ["doctor", "--json"]);
  const result = JSON.parse(stdout);
  const faults = result.findings.filter(({ severity }: { severity: string }) => severity === "fault");
  assert.equal(status, faults.length > 0 ? 2 : 0, stderr);
  assert.ok(result.facts.some(({ check }: { check: string }) => check === "model"));
  for (const finding of result.findings) assert.ok(finding.mend.length > 0);
});
