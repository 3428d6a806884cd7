/** The first ten minutes of an owner, in the order of the README: each command as it is typed there. */
import { copyFileSync } from "node:fs";
import { ask as askOnce, configuration, keysFile, sleep, url } from "../box.mjs";

export const newcomerCases = (box, { deb }) => {
  const hearth = (...args) => {
    const { status, stdout, stderr } = box.run("hearth", args);
    box.check(status === 0, `hearth ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
    return stdout;
  };
  /** Commands stop this process's own loop: connections that the service closed meanwhile are noticed first. */
  const ask = async (...request) => {
    await sleep(200);
    return askOnce(...request);
  };
  const model = () => JSON.parse(hearth("status", "--json")).models.find(({ configured }) => configured);

  return {
    async "a newcomer sees what runs, and that nothing is broken"() {
      await box.serving();
      box.check(/^hearth \S+ at http:\/\/127\.0\.0\.1:11434, up /.test(hearth("status")), "status is another");
      const { findings } = JSON.parse(hearth("doctor", "--json"));
      box.check(!findings.some(({ severity }) => severity === "fault"), JSON.stringify(findings));
      // From within its sandbox the service sees all but its log.
      const asked = await fetch(`${url}/hearth/v1/doctor`, { method: "POST" });
      const { facts, findings: ofPage, unseen } = await asked.json();
      box.check(!ofPage.some(({ severity }) => severity === "fault"), JSON.stringify(ofPage));
      const text = (check) => facts.find((fact) => fact.check === check)?.text;
      box.check(text("service") === "active (enabled)", `the service is ${text("service")}: ${JSON.stringify(unseen)}`);
      box.check(text("keys") === "1 key" && text("permissions") !== undefined, JSON.stringify(facts));
      box.check(text("log") === undefined && unseen.some(({ check }) => check === "log"), JSON.stringify(unseen));
      box.check(hearth("models", "find").includes("GOOD FOR"), "no model is found");
      box.check(hearth("run", "--prompt", "Hello! Who are you?", "--temperature", "0").includes("Spark"), "no answer");
    },

    async "another model answers when the owner says so, and the one before stays where it cannot"() {
      const spark = "/usr/lib/hearthd/models/spark/spark-q8_0.gguf";
      hearth("models", "import", spark, "--name", "second");
      hearth("use", "second");
      box.check(model().name === "second", "another model answers");
      box.check(/^path = "second"$/m.test(box.read(configuration)), "the configuration has another");
      box.write("/root/broken.gguf", "no model");
      const { status, stderr } = box.run("hearth", ["use", "/root/broken.gguf"]);
      box.check(status === 2 && /GGUF_/.test(stderr), `use ended with ${status}: ${stderr}`);
      box.check(model().name === "second" && (await ask()).status === 200, "the model is gone");
      hearth("use", "spark");
    },

    async "the network is let in with the first key, and shut out again"() {
      const key = /^hearth_\S+$/m.exec(box.read(keysFile))?.[0] ?? "";
      const { listen, key: shown } = JSON.parse(hearth("lan", "on", "--json"));
      box.check(listen === "0.0.0.0:11434" && shown === key, "another key or address");
      const socketAt = (address) => {
        box.check(box.unit("hearthd.socket").ActiveState === "active", "the socket is closed");
        const { stdout } = box.systemctl("show", "--property=Listen", "--value", "hearthd.socket");
        box.check(stdout.trim() === `${address} (Stream)`, `the socket listens on ${stdout}`);
      };
      socketAt("0.0.0.0:11434");
      box.check((await ask()).status === 401, "no key is needed");
      box.check((await ask("Hello", { authorization: `Bearer ${key}` })).status === 200, "the key is not taken");
      hearth("status");
      hearth("lan", "off");
      socketAt("127.0.0.1:11434");
      box.check((await ask()).status === 200, "a key is needed");
    },

    async "the log is read in words"() {
      await ask();
      const text = hearth("logs", "-n", "50");
      box.check(/127\.0\.0\.1 asked spark: read \d+ tokens/.test(text) && !text.includes("{"), text);
    },

    async "a package is installed by update, and another one is not"() {
      copyFileSync(deb, box.file("/root/hearthd.deb"));
      hearth("update", "/root/hearthd.deb");
      await box.serving();
      box.write("/root/other.deb", "no package");
      const { status, stderr } = box.run("hearth", ["update", "/root/other.deb"]);
      box.check(status === 2 && stderr.includes("PACKAGE_INVALID"), `update ended with ${status}: ${stderr}`);
    },

    async "hearth goes, its models stay, and the next installation has them"() {
      hearth("models", "import", "/usr/lib/hearthd/models/spark/spark-q8_0.gguf", "--name", "kept");
      hearth("uninstall", "--yes", "--keep-models");
      box.check(box.sh("command -v hearth").status !== 0, "the command is there");
      box.check(box.sh("test -e /etc/hearth").status !== 0, "the configuration is there");
      box.must("dpkg", "-i", "/root/hearthd.deb");
      await box.serving();
      const names = JSON.parse(hearth("models", "list", "--json")).map(({ name }) => name);
      box.check(names.includes("kept"), `the models are ${names}`);
      const response = await ask();
      box.check(response.status === 200, response.text);
    },
  };
};
