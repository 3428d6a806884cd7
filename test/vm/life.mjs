/**
 * The package in a virtual machine of ARM: node life.mjs DEB [--cuts=N] [--seed=N]. Installs it, boots, streams, and then takes the power
 * away in the middle of its work, again and again: it is ready after each boot, and has all that it had confirmed. Prints TAP.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "./client.mjs";
import { chosenCuts, cuts, pullCommand, questionsAbout } from "./cuts.mjs";
import { image } from "./image.mjs";
import { freePort, Machine } from "./machine.mjs";
import { Memory } from "./memory.mjs";
import { SlowSource } from "./source.mjs";

const servicePort = 11434;
/** On a busy machine; a boot takes half a minute on one that is not. */
const bootLimitMs = 900_000;
const [, , deb, ...options] = process.argv;
const number = (name, usual) => {
  const given = options.find((option) => option.startsWith(`--${name}=`));
  return given === undefined ? usual : Number(given.slice(name.length + 3));
};
const count = number("cuts", 10);
const seed = number("seed", Math.floor(Math.random() * 2 ** 31));

/** Numbers from 0 to 1 that a seed decides about (mulberry32). */
function randomFrom(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(seed);
const say = (text) => process.stdout.write(`# ${text}\n`);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

const scratch = mkdtempSync(path.join(os.tmpdir(), "hearth-vm-life-"));
const source = new SlowSource();
const memory = new Memory();
const weights = readFileSync(fileURLToPath(new URL("../../models/spark/spark-q8_0.gguf", import.meta.url)));
let files;
let machine = null;
let client;
let done = 0;

async function step(name, action) {
  const begun = performance.now();
  const what = await action();
  process.stdout.write(`ok ${++done} - ${name}${what ? `: ${what}` : ""} # ${seconds(performance.now() - begun)}\n`);
}

async function boot() {
  machine = new Machine(files, { forward: [port, servicePort], reachesHost: true });
  await client.untilReady(bootLimitMs, () => machine.runs);
  const took = performance.now() - machine.startedAt;
  await checkService();
  return `ready after ${seconds(took)}`;
}

/** It serves, nothing had to be started twice, and the kernel has nothing to complain of. */
async function checkService() {
  const properties = "--property=ActiveState,NRestarts,StatusText";
  const shown = await machine.must(`systemctl show hearthd ${properties}`, bootLimitMs);
  expect(/^ActiveState=active$/m.test(shown) && /^NRestarts=0$/m.test(shown), shown);
  expect(/^StatusText=Serving spark$/m.test(shown), shown);
  const failed = await machine.must("systemctl --failed --no-legend --plain");
  expect(failed === "", `units have failed: ${failed}`);
  const { output } = await machine.sh("dmesg | grep -iE 'EXT4-fs (error|warning)|I/O error|corrupt'");
  expect(output.trim() === "", output);
}

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

/** The power is gone: what is on the disk is looked at in a copy, as the next boot has to mend it by itself. */
function checkDisk() {
  const copy = path.join(scratch, "copy");
  command("cp", ["--sparse=always", "--reflink=auto", files.disk, copy]);
  const { status, stdout } = spawnSync("e2fsck", ["-f", "-p", copy], { encoding: "utf8" });
  expect(status <= 1, `e2fsck has something to ask: ${stdout}`);
  const again = spawnSync("e2fsck", ["-f", "-n", copy], { encoding: "utf8" });
  expect(again.status === 0, `e2fsck finds after it has mended the disk: ${again.stdout}`);
  const list = (folder) => {
    const { stdout: names } = spawnSync("debugfs", ["-R", `ls -p ${folder}`, copy], { encoding: "utf8" });
    return [...names.matchAll(/^\/\d+\/\d+\/\d+\/\d+\/([^/]+)\//gm)]
      .map(([, name]) => name)
      .filter((name) => !/^\.\.?$/.test(name));
  };
  const halves = list("/var/lib/hearth/prefixes").filter((name) => !/\.kv$|^written\.json$/.test(name));
  const models = "/var/lib/hearth/models";
  const folders = list(models)
    .filter((name) => name.startsWith("pulled-"))
    .map((name) => `${models}/${name}`);
  const revisions = folders.flatMap((folder) => list(folder).map((name) => `${folder}/${name}`));
  const pulled = revisions.flatMap(list).filter((name) => name.endsWith(".part"));
  rmSync(copy);
  return `the disk is sound${halves.length > 0 ? `, with half a snapshot (${halves})` : ""}${pulled.length > 0 ? `, with half a pull (${pulled})` : ""}`;
}

function command(name, args) {
  const { status, stderr } = spawnSync(name, args, { encoding: "utf8" });
  expect(status === 0, `${name}: ${stderr}`);
}

async function install() {
  // A disk has whole sectors.
  const packed = path.join(scratch, "package");
  copyFileSync(deb, packed);
  const { size } = statSync(deb);
  truncateSync(packed, Math.ceil(size / 512) * 512);
  machine = new Machine(files, { forward: [port, servicePort], readOnlyDisk: packed });
  await machine.must("true", bootLimitMs);
  const there = await machine.must("for each in node npm cc gcc make curl wget; do command -v $each || true; done");
  expect(there === "", `there is ${there}`);
  expect((await machine.must("ip route show default")) === "", "there is a network");
  await machine.must(`head -c ${size} /dev/vdb >/root/hearthd.deb`);
  const said = await machine.must("dpkg -i /root/hearthd.deb", bootLimitMs);
  expect(said.includes("hearthd is installed"), said);
  await machine.must("printf '\\n[prefix]\\nidle_ms = 300\\nmin_tokens = 64\\n' >>/etc/hearth/hearth.toml");
  client.key = JSON.parse(
    await machine.must("hearth lan on --json 2>/root/lan.log || cat /root/lan.log", bootLimitMs),
  ).key;
  memory.keys.set("first", client.key);
  await client.untilReady(bootLimitMs, () => machine.runs);
  const architecture = await machine.must("uname -m");
  expect(architecture === "aarch64", architecture);
  await machine.poweroff(bootLimitMs);
}

async function stream() {
  const times = [];
  const text = await client.stream("Hello! Who are you?", () => times.push(performance.now()));
  expect(text.includes("Spark"), `the answer is ${text}`);
  expect(times.length >= 5 && times.at(-1) - times[0] > 20, `it came in ${times.length} pieces`);
  return `${times.length} pieces in ${seconds(times.at(-1) - times[0])}: ${JSON.stringify(text)}`;
}

/** Makes what has to be there after each cut: a key, a chat, a model, and a prompt that is kept. */
async function prepare() {
  memory.keys.set("kitchen", await machine.must("hearth key create kitchen 2>/dev/null"));
  const content = { text: "before everything", revision: 0 };
  const id = `chat_${"0".repeat(32)}`;
  const { revision } = await client.json("PUT", `/hearth/v1/chats/${id}`, {
    body: { title: "First", content, revision: 0 },
  });
  memory.chat(id, revision, content);
  source.add("/first.gguf", weights);
  await machine.must(pullCommand(source, "first"), 600_000);
  memory.models.add("first");
  const [question, another] = questionsAbout("first");
  memory.answers.set(question, (await client.ask(question)).text);
  await client.ask(another);
  for (let i = 0; (await client.metric("hearth_prefix_stored_bytes")) === 0; i++) {
    expect(i < 240, "no prompt is kept");
    await sleep(500);
  }
  memory.kept.add(question);
}

/** A board without a battery for its clock has the wrong time until the network tells it. */
async function jumpClock() {
  for (const days of ["10 days", "-10 days"]) {
    await machine.must(`date -s "$(date -R -d '${days}')"`);
    await sleep(5000);
    await client.untilReady(60_000, () => machine.runs);
    await memory.check(client, machine);
    await checkService();
  }
}

async function cut(kind, round) {
  let moment;
  if (kind === "boot") {
    await machine.cut();
    machine = new Machine(files, { forward: [port, servicePort], reachesHost: true });
    const later = Math.floor(2000 + random() * 40_000);
    await sleep(later);
    moment = `${later} ms into a boot`;
  } else moment = await cuts[kind]({ machine, client, source, memory, random, weights, round });
  await machine.cut();
  const disk = checkDisk();
  const ready = await boot();
  await memory.check(client, machine);
  if (kind === "pull" || kind === "end of a pull") {
    const name = `pulled-${round}`;
    const before = source.sent.get(`/${name}.gguf`);
    await machine.must(pullCommand(source, name), 600_000);
    memory.models.add(name);
    moment += `; it went on with ${source.sent.get(`/${name}.gguf`) - before} bytes`;
  }
  return `${moment}; ${disk}; ${ready}`;
}

process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130)); // machines end with this process
const port = await freePort();
client = new Client(port);
try {
  say(`--cuts=${count} --seed=${seed}`);
  const base = image(say);
  files = { ...base, disk: path.join(scratch, "disk") };
  command("cp", ["--sparse=always", "--reflink=auto", base.disk, files.disk]);
  await source.start();
  await step("the package installs without a network, a compiler or Node", install);
  await step("the service starts at the boot", boot);
  await step("this machine streams Spark's tokens over the WebSocket", stream);
  await step("keys, chats, a model and prompts are kept", prepare);
  await step("a clock that jumps ten days, there and back, changes nothing", jumpClock);
  for (const [i, kind] of chosenCuts(count, random).entries()) {
    await step(`power cut ${i + 1}, ${kind}`, () => cut(kind, i + 1));
  }
  await step("it still streams", stream);
  await machine.poweroff(bootLimitMs);
  machine = null;
} catch (error) {
  process.stdout.write(`not ok ${++done} - ${String(error.stack).trim().replace(/\n/g, "\n# ")}\n`);
  if (machine) {
    const { output } = await machine
      .sh("journalctl -u hearthd -b --no-pager | tail -n 40", 60_000)
      .catch(() => ({ output: "" }));
    const text = `${output}\n${machine.console().slice(-2000)}`;
    process.stdout.write(`# ${text.trim().replace(/\n/g, "\n# ")}\n`);
  }
  process.exitCode = 1;
} finally {
  await machine?.cut();
  source.stop();
}
