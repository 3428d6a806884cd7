/**
 * Records a terminal for the README: runs hearth's commands in a pseudo-terminal and writes what they print, when they printed it, as an
 * animated SVG: `npm run docs:terminal`. Writes docs/terminal.svg. A daemon answers on hearth's own port meanwhile, which has to be free.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { toSvg } from "./svg.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const program = path.join(root, "dist", "cli", "main.js");
const columns = 100;
const typingMs = 25; // between two letters of a command that is typed

const request = {
  model: "spark",
  stream: false,
  messages: [
    { role: "system", content: "You control a home.\n- names: Kitchen Light\n  domain: light\n  areas: Kitchen" },
    { role: "user", content: "Dim the kitchen light to 40 percent" },
  ],
  tools: [
    {
      type: "function",
      function: {
        name: "HassLightSet",
        description: "Sets a light's brightness or color",
        parameters: {
          type: "object",
          properties: { name: { type: "string" }, brightness: { type: "integer" }, color: { type: "string" } },
        },
      },
    },
  ],
};

const commands = [
  'hearth run --prompt "Hello! Who are you?"',
  'hearth run --prompt "Tell me a story about a fox."',
  "grep content kitchen.json",
  `curl -s http://127.0.0.1:11434/api/chat -d @kitchen.json | grep -o '"function":{[^}]*}}'`,
];

/** Runs a command in a pseudo-terminal: the pieces that it printed, with the milliseconds since its start. */
function record(command, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const shell = `stty cols ${columns}; ${command}`;
    const child = spawn("script", ["-qefc", shell, "/dev/null"], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    const pieces = [];
    child.stdout.on("data", (data) => pieces.push({ ms: performance.now() - started, text: String(data) }));
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve({ pieces, ms: performance.now() - started });
      else reject(new Error(`${command}: exit status ${status}\n${pieces.map(({ text }) => text).join("")}`));
    });
  });
}

/** Resolves with the daemon's process when its model is ready. */
function startDaemon(env) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, "serve"], { env, stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.on("data", (data) => String(data).includes("the model is ready") && resolve(child));
    child.on("close", (status) => reject(new Error(`the daemon ended with ${status}`)));
  });
}

/** All commands one after the other, typed and answered, as pieces with their times. */
async function recordAll(options) {
  const recording = [];
  let now = 0;
  const say = (ms, text, kind) => recording.push({ ms, text, kind });
  for (const command of commands) {
    say(now, "$ ", "prompt");
    for (const letter of command) {
      now += typingMs;
      say(now, letter, "typed");
    }
    say(now, "\n", "typed");
    const { pieces, ms } = await record(command, options);
    for (const piece of pieces) say(now + piece.ms, piece.text.replaceAll("\r", ""), "output");
    now += ms + 800; // time to read
  }
  return recording;
}

const folder = mkdtempSync(path.join(tmpdir(), "hearth-terminal-"));
let daemon;
try {
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(program, path.join(bin, "hearth"));
  writeFileSync(path.join(folder, "kitchen.json"), `${JSON.stringify(request, null, 2)}\n`);
  const own = { HEARTH_STATE: path.join(folder, "state"), HEARTH_CONFIG: "/dev/null", TERM: "xterm" };
  const env = { ...process.env, ...own, PATH: `${bin}:${process.env.PATH}` };
  daemon = await startDaemon(env);
  const recording = await recordAll({ cwd: folder, env });
  const file = path.join(root, "docs", "terminal.svg");
  writeFileSync(file, toSvg(recording, { columns, title: "hearth on a terminal" }));
  process.stdout.write(`${recording.map(({ text }) => text).join("")}\nwritten to docs/terminal.svg\n`);
} finally {
  daemon?.removeAllListeners("close");
  daemon?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}
