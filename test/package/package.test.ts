import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { root } from "../helpers/shared.js";
import { type Architecture, build, missingTools, packageOf, unpack } from "./packages.js";

const megabyte = 1e6;
const architectures: readonly Architecture[] = ["amd64", "arm64"];
const hash = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

for (const name of architectures) {
  const skip = missingTools(name);

  test(`the package for ${name} is smaller than 60 MB, and needs what every Debian has`, { skip }, (t) => {
    assert.ok(statSync(packageOf(name)).size < 60 * megabyte);
    const control = readFileSync(path.join(unpack(t, name), "DEBIAN", "control"), "utf8");
    const [, depends = ""] = /^Depends: (.*)$/m.exec(control) ?? [];
    const names = depends.split(", ").map((each) => each.split(" ")[0]);
    assert.deepEqual(names, ["libc6", "libgcc-s1", "libstdc++6", "systemd"]);
    const [, libc = ""] = /libc6 \(>= 2\.(\d+)\)/.exec(depends) ?? [];
    assert.ok(Number(libc) <= 41, `libc6 2.${libc} is newer than that of Debian 13`);
  });

  test(`two builds for ${name} are the same bytes`, { skip }, () => {
    const first = hash(packageOf(name));
    build(name);
    assert.equal(hash(packageOf(name)), first);
  });

  test(`lintian has no errors for ${name}`, { skip: skip || missingLintian() }, () => {
    const { stdout, stderr } = spawnSync("lintian", ["--allow-root", "--tag-display-limit", "0", packageOf(name)], {
      encoding: "utf8",
    });
    assert.deepEqual(
      `${stdout}${stderr}`.split("\n").filter((line) => line.startsWith("E:")),
      [],
    );
  });
}

function missingLintian(): string | false {
  return spawnSync("lintian", ["--version"]).status !== 0 && "install with sudo apt-get install lintian";
}

test("there is a manual page for every command and one for the options", { skip: missingTools("amd64") }, (t) => {
  const folder = unpack(t, "amd64");
  const manual = path.join(folder, "usr/share/man");
  const pages = readdirSync(manual, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".gz"));
  const program = path.join(root, "dist", "cli", "main.js");
  const { stdout } = spawnSync(process.execPath, [program, "--json"], { encoding: "utf8" });
  for (const { name } of JSON.parse(stdout).commands) assert.ok(pages.includes(`man1/hearth-${name}.1.gz`), name);
  const options = gunzipSync(readFileSync(path.join(manual, "man5/hearth.toml.5.gz"))).toString();
  assert.match(options, /server\.listen/);
  for (const page of pages) {
    const text = gunzipSync(readFileSync(path.join(manual, page))).toString();
    assert.match(text, /^\.TH \S+ \d \d{4}-\d\d-\d\d "hearth /);
    for (const line of text.split("\n")) assert.match(line, /^(?:\.[A-Z]{2}\b|[^.']|\\&|$)/, `${page}: ${line}`);
  }
});

test("the shells' completions are those of the command", { skip: missingTools("amd64") }, (t) => {
  const folder = unpack(t, "amd64");
  const files = {
    bash: "bash-completion/completions/hearth",
    zsh: "zsh/vendor-completions/_hearth",
    fish: "fish/vendor_completions.d/hearth.fish",
  };
  for (const [shell, file] of Object.entries(files)) {
    const text = readFileSync(path.join(folder, "usr/share", file), "utf8");
    assert.ok(text.includes("serve"), shell);
  }
});

test("licences of all that is bundled are in the package", { skip: missingTools("amd64") }, (t) => {
  const documents = path.join(unpack(t, "amd64"), "usr/share/doc/hearthd");
  const text = gunzipSync(readFileSync(path.join(documents, "third-party.gz"))).toString();
  for (const name of ["fastify", "ws", "zod", "commander"]) assert.match(text, new RegExp(`^${name} \\d`, "m"));
  assert.ok(existsSync(path.join(documents, "node.gz")));
  assert.ok(existsSync(path.join(documents, "copyright")));
});
