import assert from "node:assert/strict";
import { test } from "node:test";
import { hints } from "../../../src/cli/meant-commands.js";
import { hearth } from "../../helpers/command.js";
import { model, skip } from "./commands.js";

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
    ["ps", /hearth status/],
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
