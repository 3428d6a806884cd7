/** The owner's commands: their words, their marks on a terminal, and how they change a file. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import decodeQR from "qr/decode.js";
import { completionScript } from "../../../src/cli/completion-script.js";
import { ConfigurationChange, replaceFile, whileNobodyElseChanges } from "../../../src/cli/configuration-change.js";
import { chooseModels } from "../../../src/cli/models-find.js";
import { ownNames, removeOwn } from "../../../src/cli/own-files.js";
import { buildProgram } from "../../../src/cli/program.js";
import { qrText } from "../../../src/cli/qr-text.js";
import { pace } from "../../../src/cli/status-text.js";
import { terminalLog } from "../../../src/cli/terminal-log.js";
import { lineOf, withValue } from "../../../src/config/edit.js";
import { entryTime, parseEntry, personLine } from "../../../src/daemon/log-lines.js";
import { loadEngineModule } from "../../../src/engine/binding.js";
import { knownModels } from "../../../src/store/known-models.js";
import { checkModelName, parseSource } from "../../../src/store/model-names.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { root } from "../../helpers/shared.js";

/** The picture of a text of blocks: 8 pixels a module, as a camera would see it. */
function pictureOf(text: string): { width: number; height: number; data: Uint8Array } {
  const rows = text
    .trimEnd()
    .split("\n")
    .map((line) => [...stripVTControlCharacters(line)]);
  const size = 8;
  const width = (rows[0]?.length ?? 0) * size;
  const height = rows.length * 2 * size;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = rows[Math.floor(y / size / 2)]?.[Math.floor(x / size)];
      const isUpper = Math.floor(y / size) % 2 === 0;
      const isDark = cell === "█" || cell === (isUpper ? "▀" : "▄");
      if (isDark) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return { width, height, data };
}

test("the QR code on a terminal is read as the link that it is for", () => {
  for (const link of ["http://pi.local:11434", `http://192.168.178.123:11434/#key=hearth_${"aB3-_".repeat(9)}`]) {
    const text = qrText(link);
    assert.equal(decodeQR(pictureOf(text)), link);
    assert.ok(
      text.split("\n").every((line) => line === "" || line.length < 80),
      "it is as wide as a terminal at most",
    );
  }
});

const file = `# hearth's configuration.

[server]
# Reachable from this machine alone.
listen = "127.0.0.1:11434" # not "0.0.0.0"

[model]
path = ""
`;

test("a value of a configuration file changes, and nothing else", () => {
  assert.equal(withValue(file, "model.path", '"qwen3:0.6b"'), file.replace('path = ""', 'path = "qwen3:0.6b"'));
  assert.equal(
    withValue(file, "server.listen", '"0.0.0.0:11434"'),
    file.replace('"127.0.0.1:11434"', '"0.0.0.0:11434"'),
  );
  assert.equal(withValue(file, "model.alias", '"a"'), file.replace("[model]\n", '[model]\nalias = "a"\n'));
  assert.equal(withValue(file, "kv.type", '"q8_0"'), `${file}\n[kv]\ntype = "q8_0"\n`);
  assert.equal(withValue("", "kv.type", '"q8_0"'), '[kv]\ntype = "q8_0"\n');
  assert.equal(withValue('server.listen = "a"\n', "server.listen", '"b"'), 'server.listen = "b"\n');
  assert.equal(withValue("# listen = 1\n[server]\n", "server.listen", '"b"'), '# listen = 1\n[server]\nlisten = "b"\n');
  assert.equal(
    withValue('[[upstream]]\nname = "a"\nurl = "b"\n', "model.path", '"c"'),
    '[[upstream]]\nname = "a"\nurl = "b"\n\n[model]\npath = "c"\n',
  );
});

const line = (msg: string, more: object = {}) =>
  personLine({ level: "info", msg, time: "2026-12-01T12:00:00.000Z", ...more }) ?? null;

test("an answer in the log is one sentence of who, how much and how long", () => {
  const usage = { promptTokens: 812, cachedTokens: 790, generatedTokens: 45, reasoningTokens: 0 };
  const times = { waitMs: 10, promptMs: 400, generateMs: 3143 };
  assert.equal(
    line("answered", { caller: "kitchen", model: "qwen3:0.6b", ...usage, ...times }),
    "kitchen asked qwen3:0.6b: read 812 tokens (790 known), wrote 45 in 3.6 s; 14 tokens/s",
  );
  assert.equal(
    line("not answered", { caller: "attic", model: "spark", code: "QUEUE_FULL" }),
    "attic asked spark in vain: QUEUE_FULL",
  );
  assert.equal(line("request", { status: 200 }), null);
  assert.equal(line("prefix", { level: "debug" }), null);
  assert.equal(
    line("an engine step failed", { level: "error", code: "FILE_CHANGED", err: { message: "It changed." } }),
    "error: an engine step failed: FILE_CHANGED: It changed.",
  );
  const pieces: string[] = [];
  const refused = { level: "warn", msg: "refused", from: "\x1b[31m1.2.3.4", code: "A", reason: "B" };
  terminalLog({ write: (piece) => pieces.push(piece) }, "hearth").write(JSON.stringify(refused));
  assert.match(pieces.join(""), /refused .*1\.2\.3\.4/);
  assert.ok(!pieces.join("").includes("\x1b"), "a stranger's words move no cursor");
});

test("lines that are no entries of the log are no entries", () => {
  assert.equal(parseEntry("hearth: LISTEN_FAILED: no"), null);
  assert.equal(parseEntry("{"), null);
  assert.equal(parseEntry("{}"), null);
  const entry = parseEntry('<6>{"level":"info","msg":"a","time":"2026-12-01T12:00:00.000Z"}');
  assert.equal(entry?.msg, "a");
  const now = new Date("2026-12-01T12:00:00.000Z");
  assert.match(entryTime(entry as NonNullable<typeof entry>, now), /^\d\d:\d\d:\d\d$/);
  assert.match(entryTime({ level: "info", msg: "", time: "2025-01-02T12:00:00.000Z" }, now), /^2025-01-02 /);
});

test("on a terminal the daemon says where it listens and how to ask, once, and no JSON", () => {
  const pieces: string[] = [];
  const log = terminalLog({ write: (piece) => pieces.push(piece) }, "hearth");
  const entry = (msg: string, more: object) => log.write(`${JSON.stringify({ level: "info", msg, ...more })}\n`);
  entry("configuration", { config: { "scheduler.slots": { value: "2" } } });
  entry("listening", { address: "127.0.0.1:11434" });
  const ready = { model: "spark", weightType: "Q8_0", architecture: "llama", isa: "avx2", loadMs: 120 };
  entry("the model is ready", ready);
  entry("the model is ready", { ...ready, model: "other" });
  const text = pieces.join("");
  assert.match(text, /^listening on 127\.0\.0\.1:11434\nspark is ready: Q8_0 llama, avx2, loaded in 0\.1 s\n/);
  assert.equal(text.split("curl http://127.0.0.1:11434/v1/responses").length, 2);
  assert.ok(!text.startsWith("{") && !text.includes('\n{"'));
  assert.match(text, /^Its state: {4}hearth status$/m);
  const elsewhere: string[] = [];
  const other = terminalLog({ write: (piece) => elsewhere.push(piece) }, "node main.js", true);
  for (const [msg, more] of [
    ["listening", { address: "127.0.0.1:8080" }],
    ["the model is ready", ready],
  ] as const) {
    other.write(JSON.stringify({ level: "info", msg, ...more }));
  }
  assert.match(elsewhere.join(""), /^Its state: {4}HEARTH_LISTEN=127\.0\.0\.1:8080 node main\.js status$/m);
  assert.match(elsewhere.join(""), /^All options: {2}node main\.js serve --print-config$/m);
});

test("the pace is told with its reasons", () => {
  const state = { cores: 4, limitCelsius: 80, waitingShare: 0, heat: { celsius: 78, throttle: null, clocks: [] } };
  assert.equal(pace({ ...state, threads: 4, workShare: 1, restraints: [] }), "all 4 threads");
  assert.equal(
    pace({ ...state, threads: 3, workShare: 0.8, restraints: ["heat", "others"] }),
    "3 of 4 threads, 80 % of the time, because of heat and others",
  );
});

test("known models have names that can be pulled, sizes that agree, and one of them suits each board", () => {
  for (const { name, source, fileBytes, readBytes, parameters } of knownModels) {
    assert.equal(checkModelName(name), name);
    assert.ok(["ollama", "huggingface"].includes(parseSource(source).kind), source);
    assert.ok(readBytes <= fileBytes && fileBytes > parameters / 3, name);
  }
  const sizes = { contextTokens: 8192, kvType: "f16", slots: 4, kvTokens: 0, prefixBytes: 0 } as const;
  const suggested = (room: number, rate: number) =>
    chooseModels(sizes, room, rate).find((model) => model.suggested)?.name;
  assert.equal(suggested(0.8 * 4e9, 3.1e9), "qwen3:0.6b");
  assert.equal(suggested(0.8 * 8e9, 11.3e9), "llama3.2:3b");
  assert.equal(suggested(0.8 * 1e9, 3.1e9), "qwen2.5:0.5b");
  const half = chooseModels({ ...sizes, kvType: "q8_0" }, 1e12, 1e9).map(({ memoryBytes }) => memoryBytes);
  const whole = chooseModels(sizes, 1e12, 1e9).map(({ memoryBytes }) => memoryBytes);
  assert.ok(half.every((bytes, i) => bytes < (whole[i] ?? 0)));
});

test("completion knows every command and flag, of each shell", async () => {
  const program = await buildProgram([], { systemConfig: "/etc/hearth/hearth.toml" });
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const script = completionScript(shell, program);
    for (const command of program.commands) {
      assert.ok(script.includes(command.name()), `${shell}: ${command.name()}`);
      for (const { long } of command.options) {
        if (long) assert.ok(script.includes(shell === "fish" ? `-l ${long.slice(2)}` : long), `${shell}: ${long}`);
      }
    }
  }
});

test("bash completes commands, their own commands and their flags", async () => {
  const script = completionScript("bash", await buildProgram([], { systemConfig: "/etc/hearth/hearth.toml" }));
  const complete = (...words: string[]) => {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const ask = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _hearth; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync("bash", ["-c", `${script}\n${ask}`], { encoding: "utf8", cwd: "/" })
      .stdout.trim()
      .split("\n");
  };
  assert.deepEqual(complete("hearth", "sta"), ["status"]);
  assert.deepEqual(complete("hearth", "models", "fi"), ["find"]);
  assert.deepEqual(complete("hearth", "--json", "models", "pull", "--al"), ["--alias"]);
  assert.deepEqual(complete("hearth", "lan", ""), ["on", "off", "--help", "--json"]);
  assert.ok(complete("hearth", "serve", "--").includes("--listen"));
  assert.deepEqual(complete("hearth", "run", "/et"), ["/etc"]);
});

test("a configuration that is replaced keeps its mode under any umask, and a link to it stays one", async (t) => {
  const folder = temporaryFolder(t);
  const [file, link] = [path.join(folder, "hearth.toml"), path.join(folder, "link.toml")];
  writeFileSync(file, "old");
  chmodSync(file, 0o644);
  symlinkSync(file, link);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  await replaceFile(link, "new");
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.equal(statSync(file).mode & 0o777, 0o644);
  assert.ok(lstatSync(link).isSymbolicLink());
});

test("the line of an option is found in its table and with the table's name, and nowhere else", () => {
  assert.equal(lineOf(file, "model.path"), 8);
  assert.equal(lineOf('engine.isa = "ref"\n', "engine.isa"), 1);
  assert.equal(lineOf('[state]\npath = "a"\n[model]\n"path" = "b"\n', "model.path"), 4);
  assert.equal(lineOf('[[upstream]]\nisa = "a"\n# isa = 1\n', "engine.isa"), null);
});

test("a change that is taken back brings the very file back, which needs no room on the disk", async (t) => {
  const place = path.join(temporaryFolder(t), "hearth.toml");
  writeFileSync(place, file);
  const { ino } = statSync(place);
  const change = await ConfigurationChange.make(place, "model.path", '"other"');
  assert.match(readFileSync(place, "utf8"), /^path = "other"$/m);
  change.takeBack();
  assert.equal(readFileSync(place, "utf8"), file);
  assert.equal(statSync(place).ino, ino);
  change.takeBack(); // a second signal may come behind the first
  assert.equal(readFileSync(place, "utf8"), file);
  (await ConfigurationChange.make(place, "model.path", '"third"')).keep();
  assert.deepEqual(readdirSync(path.dirname(place)), ["hearth.toml"]);
  await assert.rejects(ConfigurationChange.make(place, "scheduler.slots", "0"), /scheduler\.slots/);
  assert.match(readFileSync(place, "utf8"), /^path = "third"$/m);
  assert.deepEqual(readdirSync(path.dirname(place)), ["hearth.toml"]);
});

test("a configuration is changed by one command at a time", async (t) => {
  const place = path.join(temporaryFolder(t), "hearth.toml");
  writeFileSync(place, file);
  const engine = loadEngineModule();
  await whileNobodyElseChanges(place, engine, () =>
    assert.rejects(
      whileNobodyElseChanges(place, engine, async () => {}),
      { code: "STORE_BUSY" },
    ),
  );
  assert.equal(await whileNobodyElseChanges(place, engine, async () => 1), 1);
});

test("what is removed are hearth's own files, of the same names in the command and in the package", async (t) => {
  const folder = path.join(temporaryFolder(t), "state");
  mkdirSync(path.join(folder, "models", "inner"), { recursive: true });
  for (const name of ["keys.json", "keys.json.0123456789ab.new", "photos.zip"])
    writeFileSync(path.join(folder, name), "");
  await removeOwn(folder, ownNames.state);
  assert.deepEqual(readdirSync(folder), ["photos.zip"]);
  const empty = path.join(temporaryFolder(t), "state");
  mkdirSync(path.join(empty, "models"), { recursive: true });
  await removeOwn(empty, ownNames.state);
  assert.ok(!existsSync(empty));
  const script = readFileSync(path.join(root, "deploy", "deb", "postrm"), "utf8");
  const removed = (place: string) =>
    [...script.matchAll(new RegExp(`remove_own ${place} (.*)$`, "gm"))]
      .flatMap(([, names = ""]) => names.split(" "))
      .sort();
  assert.deepEqual(removed("/var/lib/hearth"), [...ownNames.state].sort());
  assert.deepEqual(removed("/etc/hearth"), [...ownNames.configuration].sort());
  assert.deepEqual(removed("/etc/hearth/credentials"), [...ownNames.credentials].sort());
});
