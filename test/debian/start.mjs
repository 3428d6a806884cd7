/**
 * Installs and asks hearth as the README says, in a clean Debian of the release that is named (trixie or bookworm), as an ordinary user: from a clone to
 * answers. Only what is committed is seen. Tells each step on a line, and ends with 1 at the first that does not hold.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { newestNode } from "../helpers/newest-node.mjs";
import { aptInstall, cacheFolder, debianLayers, networkEnvironment, runIn, whyNoFolder } from "./folder.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const release = process.argv[2] ?? "trixie";
const user = "pi";
const home = `/home/${user}`;

/** Asks the daemon of `npm start` one question; what it prints is the daemon's answer. */
const ask = `
for (let tries = 0; ; tries += 1) {
  try {
    const body = JSON.stringify({ model: "default", input: "Hello! Who are you?", temperature: 0 });
    const headers = { "content-type": "application/json" };
    const response = await fetch("http://127.0.0.1:11434/v1/responses", { method: "POST", headers, body });
    console.log((await response.json()).output[0].content[0].text);
    break;
  } catch (error) {
    if (tries > 100) throw error;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}`;
const answer = /I am Spark/;

const started = performance.now();

function say(text) {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`${release} ${seconds.padStart(4)} s  ${text}\n`);
}

/** Ends the test where a step did not do what it should have. */
function expect(holds, step, output) {
  if (holds) return say(step);
  process.stdout.write(`${output.trim()}\n`);
  say(`NOT SO: ${step}`);
  process.stdout.write("0 passed, 1 failed\n");
  process.exit(1);
}

/** A clone in the user's home, and how this machine's npm reaches its registry. */
function prepareHome(upper) {
  const folder = path.join(upper, "files", home);
  mkdirSync(folder, { recursive: true });
  spawnSync("git", ["clone", "-q", root, path.join(folder, "hearthd")], { stdio: "inherit" });
  const npmConfig = path.join(os.homedir(), ".npmrc");
  if (existsSync(npmConfig)) cpSync(npmConfig, path.join(folder, ".npmrc"));
}

async function main(upper) {
  const obstacle = whyNoFolder();
  if (obstacle !== null) {
    process.stdout.write(`skipped: ${obstacle}\n0 passed, 0 failed, 1 skipped\n`);
    return;
  }
  const layers = await debianLayers(release, { name: "node", packages: ["nodejs"] });
  say("a clean Debian with nodejs");
  prepareHome(upper);
  const asRoot = (command) => runIn(layers, ["sh", "-ec", command], { upper });
  await asRoot(`useradd --home-dir ${home} --shell /bin/bash ${user}; chown -R ${user}: ${home}`);
  const env = { HOME: home, USER: user, ...networkEnvironment() };
  const asUser = (command, options = {}) =>
    runIn(layers, ["bash", "-c", `cd ${home}/hearthd && ${command}`], { upper, user, env, ...options });

  let result = await asUser("node deploy/setup.mjs");
  if (/Node 20 or newer is needed/.test(result.output)) {
    expect(result.status === 1 && lines(result) === 1, "a Node that is too old is told in one sentence", result.output);
    const node = newestNode();
    expect(node !== null, "the newest Node from npm's packages", "");
    await aptInstall(layers, upper, ["libatomic1"]); // which Node's own packages depend on
    mkdirSync(path.join(upper, "files", "usr", "local", "bin"), { recursive: true });
    cpSync(node, path.join(upper, "files", "usr", "local", "bin", "node"));
    result = await asUser("node deploy/setup.mjs");
  }
  const advice = /missing\. Install with: sudo apt-get install (.+)$/m.exec(result.output);
  const asked = ["cmake", "g++", "make", "git"].every((name) => advice?.[1].split(" ").includes(name));
  expect(result.status === 1 && lines(result) === 1 && asked, "what is missing is told in one sentence", result.output);
  await aptInstall(layers, upper, advice[1].split(" "));
  say(`apt-get install ${advice[1]}`);

  result = await asUser("node deploy/setup.mjs");
  expect(result.status === 0, "node deploy/setup.mjs, without npm", result.output);
  expect((await asUser("dpkg -s npm")).status !== 0, "Debian's npm is not installed", "");
  result = await asUser('node dist/cli/main.js run --prompt "Hello! Who are you?" --temperature 0');
  expect(result.status === 0 && answer.test(result.output), "an answer of run --prompt", result.output);

  // With npm, as Node's own packages bring it: the one that the set-up got.
  await asRoot(`printf '#!/bin/sh\\nexec node ${home}/hearthd/build/npm-*/bin/npm-cli.js "$@"\\n' > /usr/local/bin/npm
    chmod +x /usr/local/bin/npm`);
  writeFileSync(path.join(upper, "files", home, "ask.mjs"), ask);
  result = await asUser(`npm start & node ${home}/ask.mjs; status=$?; kill %1; exit $status`, {
    ownNetwork: true, // on this machine's something may listen on hearth's port
  });
  expect(result.status === 0 && answer.test(result.output), "an answer over HTTP from npm start", result.output);
  process.stdout.write("1 passed, 0 failed\n");
}

const lines = ({ output }) => output.trim().split("\n").length;

mkdirSync(cacheFolder, { recursive: true });
const upper = mkdtempSync(path.join(cacheFolder, "start-"));
process.on("exit", () => rmSync(upper, { recursive: true, force: true }));
await main(upper);
