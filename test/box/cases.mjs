/**
 * The life of the packaged service, in a box with a real systemd: node cases.mjs INIT DEB SCRATCH [PATTERN], in the network of the
 * box. Prints TAP.
 */
import { readFileSync } from "node:fs";
import { Box } from "./box.mjs";
import { faultCases } from "./cases/faults.mjs";
import { installCases } from "./cases/install.mjs";
import { listeningCases } from "./cases/listening.mjs";
import { newcomerCases } from "./cases/newcomer.mjs";
import { reloadCases } from "./cases/reload.mjs";
import { restartCases } from "./cases/restarts.mjs";
import { upgradeCases } from "./cases/upgrades.mjs";

const [, , init, deb, scratch, pattern = ""] = process.argv;
const box = new Box(init);
const things = { deb, scratch };
const makers = [installCases, restartCases, reloadCases, listeningCases, faultCases, newcomerCases, upgradeCases];
const all = makers.flatMap((cases) => Object.entries(cases(box, things)));
// The first installs what the others need.
const chosen = all.filter(([name], i) => i === 0 || new RegExp(pattern, "i").test(name));

const [, release] = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync(box.file("/etc/os-release"), "utf8")) ?? [];
process.stdout.write(`# ${release}\n`);
let failed = 0;
for (const [i, [name, run]] of chosen.entries()) {
  const begun = performance.now();
  try {
    await run();
    process.stdout.write(`ok ${i + 1} - ${name} # ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
  } catch (error) {
    process.stdout.write(`not ok ${i + 1} - ${name}\n# ${String(error.message).trim().replace(/\n/g, "\n# ")}\n`);
    failed++;
  }
}
box.systemctl("stop", "hearthd.service", "hearthd.socket");
process.exit(failed > 0 ? 1 : 0);
