/** The package from its installation to an answer. */
import { copyFileSync, existsSync } from "node:fs";
import { answers, ask, configuration, keysFile, sleep } from "../box.mjs";

const startLimitMs = 5000;
const worstExposure = 2;

export const installCases = (box, { deb }) => ({
  async "the package installs without a network, a compiler or Node"() {
    for (const program of ["node", "npm", "cc", "make"]) {
      box.check(box.sh(`command -v ${program}`).status !== 0, `there is a ${program}`);
    }
    box.check(box.must("ip", "route") === "", "there is a network");
    copyFileSync(deb, box.file("/root/hearthd.deb"));
    const { status, stdout, stderr } = box.run("dpkg", ["-i", "/root/hearthd.deb"]);
    box.check(status === 0, `dpkg ended with ${status}: ${stderr}${stdout}`);
    box.check(stdout.includes(keysFile) && stdout.includes("hearth run"), `it does not say what to do next: ${stdout}`);
    box.check(/^hearth_[\w-]{43}$/m.test(box.read(keysFile)), "there is no key");
    await box.serving(5000);
  },

  async "the service is ready in less than 5 s, and its status says what it serves"() {
    const begun = performance.now();
    box.must("systemctl", "restart", "hearthd");
    await box.serving(startLimitMs);
    const took = performance.now() - begun;
    box.check(took < startLimitMs, `it took ${took.toFixed(0)} ms`);
    box.check(box.unit().StatusText === "Serving spark", "the status is another");
  },

  async "the first request waits in the socket and is answered by the service that it starts"() {
    box.must("systemctl", "stop", "hearthd.service");
    box.check(box.unit("hearthd.socket").ActiveState === "active", "the socket is closed");
    box.check(box.unit().ActiveState === "inactive", "the service runs");
    const { status, text } = await ask();
    box.check(status === 200 && text.includes("Spark"), `the answer is ${status} ${text}`);
    box.check(box.unit().ActiveState === "active", "the service does not run");
  },

  async "requests that come while the service is restarted wait and are answered"() {
    const { MainPID } = box.unit();
    const restart = box.systemctl("restart", "--no-block", "hearthd");
    box.check(restart.status === 0, "it was not restarted");
    // A connection that the old process has taken already ends with it.
    await box.until("a stop", () => box.unit().ActiveState === "deactivating" || box.unit().MainPID !== MainPID);
    await sleep(300);
    const results = await Promise.all(Array.from({ length: 5 }, (_, i) => sleep(i * 60).then(() => ask())));
    const failed = results.filter(({ status }) => status !== 200);
    box.check(failed.length === 0, `some failed: ${JSON.stringify(failed)}`);
  },

  "systemd rates the sandboxes at 2.0 or better"() {
    for (const unit of ["hearthd.service", "hearth-kiosk.service"]) {
      const { stdout } = box.run("systemd-analyze", ["security", "--no-pager", unit]);
      const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
      process.stdout.write(`# exposure of ${unit} ${exposure}\n`);
      box.check(exposure <= worstExposure, stdout);
    }
  },

  "the units have no mistakes"() {
    const { stdout, stderr } = box.run("systemd-analyze", [
      "verify",
      "hearthd.service",
      "hearthd.socket",
      "hearth-kiosk.service",
    ]);
    const about = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => /hearthd|hearth-kiosk/.test(line) && !/man:|Documentation|Command 'man/.test(line));
    box.check(about.length === 0, about.join("\n"));
  },

  "the service runs as its user, which owns its state and nothing else"() {
    const pid = box.unit().MainPID;
    box.check(box.must("stat", "-c", "%U", `/proc/${pid}`).trim() === "hearth", "it runs as another user");
    box.check(box.must("stat", "-c", "%U %a", "/var/lib/hearth").trim() === "hearth 750", "the state is another's");
    box.check(box.must("stat", "-c", "%U %a", "/etc/hearth/credentials").trim() === "root 700", "the keys are open");
  },

  "every user has the command, its manual pages and the model"() {
    const said = box.must(
      "runuser",
      "-u",
      "nobody",
      "--",
      "env",
      "HOME=/tmp",
      "hearth",
      "run",
      "--prompt",
      "Hello! Who are you?",
      "--temperature",
      "0",
    );
    box.check(said.includes("Spark"), said);
    for (const page of ["man1/hearth.1.gz", "man1/hearth-serve.1.gz", "man5/hearth.toml.5.gz", "man8/hearthd.8.gz"]) {
      box.check(existsSync(box.file(`/usr/share/man/${page}`)), `${page} is missing`);
    }
  },

  async "keys come by credential: the first one lets in, and no other"() {
    box.start(['auth.mode = "required"']);
    await box.serving();
    const [key] = /^hearth_\S+$/m.exec(box.read(keysFile));
    box.check((await ask("Hello", { authorization: `Bearer ${key}` })).status === 200, "the key is refused");
    box.check((await ask("Hello", { authorization: `Bearer ${key}x` })).status === 401, "another key is let in");
    box.check((await ask()).status === 401, "none is let in");
    box.check(!box.read(configuration).includes(key) && !box.journal().includes(key), "the key is told");
    box.start();
    await box.until("an answer", () => answers());
  },
});
