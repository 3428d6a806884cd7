import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hints } from "../../src/cli/meant-commands.js";
import { optionKeys, optionOf } from "../../src/config/options.js";
import { hearth, spawnHearth } from "../helpers/command.js";
import { temporaryFolder } from "../helpers/folder.js";
import { missing, shared } from "../helpers/shared.js";

const stories = "models/stories260K.gguf";
const skip = missing(stories, "models/greedy.json", "models/babyllama-Q8_0.gguf");
const model = shared(stories);

interface Greedy {
  readonly stories260K: readonly { prompt: string; tokens: number[]; greedy: number[] }[];
}
const firstStory = () => {
  const [first] = (JSON.parse(readFileSync(shared("models/greedy.json"), "utf8")) as Greedy).stories260K;
  assert.ok(first);
  return first;
};

test("run prints the greedy answer, the same each time, from a flag or from stdin", { skip }, async (t) => {
  const args = ["run", model, "--max-tokens", "12", "--temperature", "0"];
  const { prompt } = firstStory();
  const fromFlag = await hearth(t, [...args, "--prompt", prompt]);
  assert.equal(fromFlag.status, 0);
  assert.match(fromFlag.stdout, /^, there was a little girl named Lily\. /);
  const fromStdin = await hearth(t, [...args, "--prompt", "-"], { stdin: prompt });
  assert.equal(fromStdin.stdout, fromFlag.stdout);
});

test("run with a seed repeats itself, and with another seed says something else", { skip }, async (t) => {
  const story = async (seed: string) =>
    (await hearth(t, ["run", model, "--prompt", "One day", "--max-tokens", "40", "--seed", seed])).stdout;
  const first = await story("1");
  assert.equal(await story("1"), first);
  assert.notEqual(await story("2"), first);
});

test("Ctrl-C ends run cleanly", { skip }, async (t) => {
  const child = spawnHearth(t, ["run", model, "--prompt", "Once", "--raw"], { HEARTH_ISA: "ref", HEARTH_THREADS: "1" });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGINT");
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
});

test("run whose reader goes away ends", { skip }, async (t) => {
  const child = spawnHearth(t, ["run", model, "--prompt", "Once"]);
  child.stdout.destroy();
  assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
});

test("bench --json prints the documented object", { skip }, async (t) => {
  const result = await hearth(t, [
    "bench",
    shared("models/babyllama-Q8_0.gguf"),
    "-p",
    "32",
    "-n",
    "8",
    "-t",
    "1",
    "-r",
    "2",
    "--json",
  ]);
  assert.equal(result.status, 0, result.stderr);
  const { prefill, decode, memory, ...rest } = JSON.parse(result.stdout);
  assert.deepEqual(Object.keys(rest), ["model", "type", "isa", "threads", "rssBytes"]);
  assert.equal(rest.model, "babyllama-Q8_0");
  assert.equal(rest.type, "Q8_0");
  assert.equal(rest.threads, 1);
  assert.equal(prefill.tokens, 32);
  assert.equal(decode.tokens, 8);
  for (const value of [
    prefill.tokensPerSecond,
    decode.tokensPerSecond,
    decode.bytesPerToken,
    memory.readBytesPerSecond,
  ]) {
    assert.ok(value > 0 && Number.isFinite(value));
  }
});

test("bench leaves out what 0 tokens are asked for, and forces the kernels of HEARTH_ISA", { skip }, async (t) => {
  const args = ["bench", shared("models/babyllama-Q8_0.gguf"), "-p", "0", "-n", "4", "-r", "1", "--json"];
  const result = JSON.parse((await hearth(t, args, { env: { HEARTH_ISA: "ref" } })).stdout);
  assert.equal(result.prefill, undefined);
  assert.equal(result.isa, "ref");
});

test("bench decodes behind a long context, and says what a KV cache of q8_0 costs", {
  skip: missing("golden/arch/llama.gguf"),
}, async (t) => {
  const args = [
    "bench",
    shared("golden/arch/llama.gguf"),
    "-p",
    "0",
    "-n",
    "4",
    "-r",
    "1",
    "-d",
    "300",
    "--kv",
    "q8_0",
  ];
  const { deep } = JSON.parse((await hearth(t, [...args, "--json"])).stdout);
  assert.equal(deep.depth, 300);
  assert.deepEqual(
    deep.speeds.map(({ kvType }: { kvType: string }) => kvType),
    ["f16", "q8_0"],
  );
  for (const { tokensPerSecond, emptyTokensPerSecond } of deep.speeds) {
    assert.ok(tokensPerSecond > 0 && emptyTokensPerSecond > 0);
  }
  assert.ok(deep.logitsError > 0 && deep.logitsError < 2e-3, `NMSE ${deep.logitsError}`);
  assert.match((await hearth(t, args)).stdout, /^ +q8_0's logits: NMSE [\d.]+e-\d against f16's$/m);
});

test("bench refuses q8_0 for heads that do not suit it", { skip }, async (t) => {
  const args = ["bench", shared("models/babyllama-Q8_0.gguf"), "-p", "0", "-n", "1", "--kv", "q8_0"];
  const { status, stderr } = await hearth(t, args);
  assert.equal(status, 2);
  assert.match(stderr, /OPTION_OUT_OF_RANGE: .*multiple of 32.*are of 16/);
});

test("a synthetic model is removed after the measurement unless it is to be saved", async (t) => {
  const folder = temporaryFolder(t);
  const args = ["bench", "--synthetic", "smollm2-135m:q4_0", "-p", "0", "-n", "1", "-r", "1"];
  const result = await hearth(t, args, { env: { TMPDIR: folder } });
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /^decode +[\d.]+ tokens\/s \(1 tokens\)$/m);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("hearth")),
    [],
  );
  const file = path.join(folder, "kept.gguf");
  assert.equal((await hearth(t, [...args, "--save", file])).status, 0);
  assert.ok(statSync(file).size > 1e6);
});

test("debug logits writes float32 of [tokens, vocabulary]; the last row's largest is the greedy token", {
  skip,
}, async (t) => {
  const out = path.join(temporaryFolder(t), "logits");
  const { tokens, greedy } = firstStory();
  const result = await hearth(t, ["debug", "logits", model, "--tokens", tokens.join(" "), "--out", out]);
  assert.equal(result.status, 0, result.stderr);
  const bytes = readFileSync(out);
  const vocabulary = 512;
  assert.equal(bytes.length, 4 * vocabulary * tokens.length);
  const row = Array.from({ length: vocabulary }, (_, i) =>
    bytes.readFloatLE(4 * ((tokens.length - 1) * vocabulary + i)),
  );
  assert.equal(row.indexOf(Math.max(...row)), greedy[0]);
});

test("debug logits that fails leaves no file", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const result = await hearth(t, ["debug", "logits", model, "--tokens", "1 512", "--out", path.join(folder, "x")]);
  assert.equal(result.status, 2);
  assert.match(result.stderr, /^hearth: TOKEN_OUT_OF_RANGE: /);
  assert.deepEqual(readdirSync(folder), []);
  const unwritable = await hearth(t, [
    "debug",
    "logits",
    model,
    "--tokens",
    "1",
    "--out",
    path.join(folder, "no", "x"),
  ]);
  assert.match(unwritable.stderr, /^hearth: FILE_WRITE_FAILED: .*ENOENT/);
});

test("debug tokenize prints one array of ids a line, without BOS", { skip }, async (t) => {
  const { prompt, tokens } = firstStory();
  const result = await hearth(t, ["debug", "tokenize", model], { stdin: JSON.stringify([prompt, "", "<s>"]) });
  assert.equal(result.status, 0, result.stderr);
  const [first, second, third, ...rest] = result.stdout.trimEnd().split("\n");
  assert.deepEqual(JSON.parse(first ?? ""), tokens.slice(1));
  assert.equal(second, "[]");
  assert.ok(JSON.parse(third ?? "").length > 1, "text became a control token");
  assert.deepEqual(rest, []);
});

test("wrong input is one line on stderr and status 2", { skip }, async (t) => {
  const cases: [args: string[], stdin: string, message: RegExp][] = [
    [["debug"], "", /COMMAND_INVALID: No command was given\./],
    [["sing"], "", /COMMAND_INVALID: Unknown command 'sing'/],
    [["bench", "--reps", "0"], "", /COMMAND_INVALID: -r takes an integer from 1 to 1000, not "0"\./],
    [["bench", model, "--synthetic", "a:b"], "", /COMMAND_INVALID: Give a model or --synthetic, not both\./],
    [["bench", "--synthetic", "a"], "", /COMMAND_INVALID: --synthetic takes SHAPE:TYPE/],
    [["bench", model, "-p", "100000"], "", /OPTION_OUT_OF_RANGE: .*trained for a context of \d+/],
    [["debug", "tokenize", model], "{}", /COMMAND_INVALID: stdin takes a JSON array of strings\./],
    [["debug", "tokenize", model], "[1]", /COMMAND_INVALID: stdin takes a JSON array of strings\./],
    [["debug", "tokenize", "/nonexistent.gguf"], "[]", /FILE_OPEN_FAILED: .*\/nonexistent\.gguf/],
    [["run", model, "--prompt", ""], "", /COMMAND_INVALID: The prompt is empty\./],
    [["serve", "--config", "/nonexistent.toml"], "", /CONFIG_UNREADABLE: \/nonexistent\.toml/],
    [
      ["serve", "--slots", "0"],
      "",
      /CONFIG_BAD_VALUE: scheduler\.slots \(flag --slots\): expected an integer from 1 to 64/,
    ],
  ];
  for (const [args, stdin, message] of cases) {
    const { status, stdout, stderr } = await hearth(t, args, { stdin });
    assert.equal(status, 2, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    assert.equal(stdout, "");
  }
});

test("an unknown kernel set is refused with the list of known ones", { skip }, async (t) => {
  const env = { HEARTH_ISA: "mmx" };
  const { status, stderr } = await hearth(t, ["run", model, "--prompt", "a", "--json"], { env });
  assert.equal(status, 2);
  const { code, message } = JSON.parse(stderr);
  assert.equal(code, "ISA_UNKNOWN");
  assert.match(message, /ref/);
});

test("--print-config shows values with their origins, and can be read back", async (t) => {
  const { status, stdout } = await hearth(t, ["serve", "--print-config", "--slots", "3"], {
    env: { HEARTH_ISA: "ref" },
  });
  assert.equal(status, 0);
  assert.match(stdout, /^scheduler\.slots = 3 {2}# flag --slots$/m);
  assert.match(stdout, /^engine\.isa = "ref" {2}# environment HEARTH_ISA$/m);
  assert.match(stdout, /^log\.prompts = false {2}# default$/m);
  const file = path.join(temporaryFolder(t), "hearth.toml");
  writeFileSync(file, stdout);
  const again = await hearth(t, ["serve", "--print-config", "--config", file]);
  assert.match(again.stdout, /^scheduler\.slots = 3 {2}# file .*hearth\.toml$/m);
});

test("hearth alone prints the help", async (t) => {
  const { status, stdout, stderr } = await hearth(t, []);
  assert.equal(status, 0);
  assert.equal(stderr, "");
  assert.equal(stdout, (await hearth(t, ["--help"])).stdout);
  const { version, commands } = JSON.parse((await hearth(t, ["--json"])).stdout);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.ok(commands.some(({ name }: { name: string }) => name === "serve"));
});

test("the version comes by every usual name", async (t) => {
  const expected = (await hearth(t, ["--version"])).stdout;
  assert.match(expected, /^\d+\.\d+\.\d+\n$/);
  for (const args of [["-v"], ["-V"], ["version"]]) {
    const { status, stdout } = await hearth(t, args);
    assert.equal(status, 0);
    assert.equal(stdout, expected, args.join(" "));
  }
  assert.deepEqual(JSON.parse((await hearth(t, ["version", "--json"])).stdout), { version: expected.trim() });
});

test("words of other programs lead to the command that does it here", async (t) => {
  const cases: [string, RegExp][] = [
    ["pull", /hearth models pull/],
    ["list", /hearth models list/],
    ["ls", /hearth models list/],
    ["ps", /\/api\/ps/],
    ["rm", /hearth models rm/],
    ["show", /hearth models show/],
    ["create", /hearth models import/],
    ["cp", /\/api\/copy/],
    ["stop", /systemctl stop/],
    ["push", /uploads nothing/],
  ];
  for (const [word, advice] of cases) {
    const { status, stderr } = await hearth(t, [word, "qwen3:0.6b"]);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`^hearth: COMMAND_INVALID: Unknown command '${word}'\\.`));
    assert.match(stderr, advice);
  }
});

test("the commands that hints name exist", async (t) => {
  const named = new Set(
    Object.values(hints).flatMap((hint) =>
      [...hint.matchAll(/`hearth ([a-z]+(?: [a-z]+)?)/g)].map((match) => match[1] ?? ""),
    ),
  );
  assert.ok(named.size > 8);
  for (const command of named) {
    const { status, stdout } = await hearth(t, [...command.split(" "), "--help"]);
    assert.equal(status, 0, command);
    assert.match(stdout, new RegExp(`^Usage: hearth ${command} `), command);
  }
});

test("what is written into a pipe is whole, however slowly it is read", { skip }, async (t) => {
  const texts = Array.from({ length: 4000 }, () => "Once upon a time there was a little girl");
  const through = ["sh", "-c", '"$@" | { sleep 2; cat; }', "sh"];
  const { status, stdout } = await hearth(t, ["debug", "tokenize", model], { stdin: JSON.stringify(texts), through });
  assert.equal(status, 0);
  assert.ok(stdout.length > 64 * 1024, `${stdout.length} characters say nothing`);
  assert.equal(stdout.split("\n").length, texts.length + 1);
});

test("output that cannot be written is an error, and a reader that went away is none", { skip }, async (t) => {
  const through = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];
  for (const args of [
    [],
    ["--help"],
    ["--version"],
    ["serve", "--print-config"],
    ["models", "list"],
    ["key", "list"],
  ]) {
    const { status, stderr } = await hearth(t, args, { through });
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /^hearth: DISK_FULL: stdout: ENOSPC/, args.join(" "));
  }
  const head = ["bash", "-c", '"$@" | head -c 1 > /dev/null; exit $PIPESTATUS', "bash"];
  const { status, stderr } = await hearth(t, ["serve", "--print-config"], { through: head });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("--json makes one object of every command's result", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const env = { HEARTH_STATE: path.join(folder, "state") };
  const object = async (args: string[], stdin = "") => {
    const { status, stdout, stderr } = await hearth(t, [...args, "--json"], { env, stdin });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  const answer = await object(["run", model, "--prompt", "Once", "--max-tokens", "4", "--temperature", "0"]);
  assert.equal(answer.model, "stories260K");
  assert.equal(answer.reason, "length");
  assert.equal(answer.usage.generatedTokens, 4);
  assert.ok(answer.text.length > 0);
  assert.deepEqual((await object(["debug", "tokenize", model], '["a", ""]')).tokens.length, 2);
  const out = path.join(folder, "logits");
  assert.deepEqual(await object(["debug", "logits", model, "--tokens", "1 2", "--out", out]), { file: out, tokens: 2 });
  assert.equal((await object(["models", "import", model])).store, path.join(env.HEARTH_STATE, "models"));
  assert.equal(typeof (await object(["models", "show", "stories260k"])).name, "string");
  assert.equal((await object(["models", "show", "stories260k", "--template"])).name, "stories260K");
  assert.deepEqual((await object(["models", "verify"])).sound, ["stories260K"]);
  assert.deepEqual((await object(["models", "list"])).length, 2);
  assert.deepEqual((await object(["models", "rm", "stories260k"])).removed, ["stories260k"]);
  assert.equal((await object(["key", "create", "a"])).file, path.join(env.HEARTH_STATE, "keys.json"));
  assert.equal((await object(["key", "list"])).length, 1);
  assert.equal((await object(["key", "revoke", "a"])).name, "a");
  assert.ok((await object(["serve", "--print-config"])).length > 20);
});

test("--print-config names each option's variable and flag", async (t) => {
  const { stdout } = await hearth(t, ["serve", "--print-config"]);
  for (const key of optionKeys) {
    const { env, flag } = optionOf(key);
    assert.ok(stdout.includes(` ${env}${flag ? ` or --${flag}` : ""}.\n${key} = `), key);
  }
});

test("help and version go to stdout with status 0", async (t) => {
  for (const args of [["--help"], ["--help", "serve"]]) {
    const help = await hearth(t, args);
    assert.equal(help.status, 0);
    for (const command of ["serve", "run", "bench", "debug"])
      assert.match(help.stdout, new RegExp(`^  ${command}\\b`, "m"));
  }
  const version = await hearth(t, ["--version"]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("debug template renders each of an array at its time, and says what Jinja2 would refuse", { skip }, async (t) => {
  const file = path.join(temporaryFolder(t), "chat.jinja");
  writeFileSync(file, "{{ x }} {{ strftime_now('%H:%M') }}");
  const input = [
    '{"args": {"x": [1.0, 1, 12345678901234567890, {"2": true, "1": null}]}, "now": "2026-11-23T09:30:00+05:00"}',
    `{"source": "{{ raise_exception('no') }}"}`,
    '{"source": "{{ x", "args": {}}',
    '{"source": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"}',
    '{"source": "ok"}',
  ];
  const { status, stdout } = await hearth(t, ["debug", "template", file], { stdin: `[${input.join(",")}]` });
  assert.equal(status, 0);
  const [first, refused, broken, endless, last] = JSON.parse(stdout);
  assert.deepEqual(first, { text: "[1.0, 1, 12345678901234567890, {'2': True, '1': None}] 09:30" });
  assert.deepEqual(refused, { error: "no" });
  assert.match(broken.error, /cannot be parsed/);
  assert.match(endless.error, /took more than \d+ steps|did not end/);
  assert.deepEqual(last, { text: "ok" });
});

test("debug template wants an array of objects, and a source for each", { skip }, async (t) => {
  for (const stdin of ["{}", "[1]", '[{"args": {}}]', "[", '[{"source": "x", "now": "soon"}]']) {
    const { status, stderr } = await hearth(t, ["debug", "template"], { stdin });
    assert.equal(status, 2, stdin);
    assert.match(stderr, /COMMAND_INVALID/);
  }
});
