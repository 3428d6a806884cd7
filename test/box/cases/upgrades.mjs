/** New versions of the package that work and that do not, the way back, and the end. */

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ask, configuration, sleep } from "../box.mjs";

const program = "usr/lib/hearthd/dist/cli/main.js";

/** A package like `deb` of another version, whose files `change` has changed. */
function variant(deb, folder, version, change = () => {}) {
  const tree = path.join(folder, "tree");
  const file = path.join(folder, `hearthd_${version}.deb`);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const must = (command, args) => {
    const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
  };
  must("dpkg-deb", ["-R", deb, tree]);
  const control = path.join(tree, "DEBIAN", "control");
  writeFileSync(control, readFileSync(control, "utf8").replace(/^Version: .*$/m, `Version: ${version}`));
  change(tree);
  must("dpkg-deb", ["--root-owner-group", "-Znone", "--build", tree, file]);
  rmSync(tree, { recursive: true, force: true });
  return file;
}

export const upgradeCases = (box, { deb, scratch }) => {
  const install = (file) => {
    copyFileSync(file, box.file("/root/next.deb"));
    const { status, stdout, stderr } = box.run("dpkg", ["--force-confdef", "--force-confold", "-i", "/root/next.deb"]);
    return { status, said: stdout + stderr };
  };
  /** Such as "9.1 installed". */
  const version = () => {
    const fields = box.must("dpkg", "-s", "hearthd");
    return `${/^Version: (.*)$/m.exec(fields)?.[1]} ${/^Status: install ok (.*)$/m.exec(fields)?.[1]}`;
  };
  const [, first] = /_([^_]+)_[^_]+\.deb$/.exec(deb);
  const beforeAll = { key: "" };

  return {
    async "an upgrade keeps configuration, keys and state"() {
      box.start(["# mine", 'auth.mode = "required"']);
      await box.serving();
      beforeAll.key = box.must("hearth", "key", "create", "kept").trim();
      const next = variant(deb, scratch, "9.1", (tree) => {
        writeFileSync(path.join(tree, configuration), "# another default\n");
      });
      const { status, said } = install(next);
      box.check(status === 0, said);
      box.check(version() === "9.1 installed", version());
      box.check(box.read(configuration).includes("# mine"), "the configuration is another");
      await box.serving();
      box.check(
        (await ask("Hello", { authorization: `Bearer ${beforeAll.key}` })).status === 200,
        "the key is refused",
      );
    },

    async "an upgrade that does not become ready goes back to the version before, and says so"() {
      const before = box.unit().MainPID;
      const broken = variant(deb, scratch, "9.2", (tree) => {
        const says =
          'process.stderr.write("hearth: MODEL_INVALID: It is not what it should be. Get another.\\n"); process.exit(2);';
        writeFileSync(path.join(tree, program), says);
        writeFileSync(path.join(tree, "usr/lib/hearthd/new-file"), "");
      });
      const { status, said } = install(broken);
      box.check(status !== 0, "dpkg says that all is well");
      box.check(/^hearth: MODEL_INVALID: /m.test(said), `it does not say why: ${said}`);
      box.check(
        /9\.2 does not become ready: going back/.test(said) && /is back and runs/.test(said),
        `it does not say so: ${said}`,
      );
      box.check(version() === "9.1 installed", version());
      box.check(!existsSync(box.file("/usr/lib/hearthd/new-file")), "files of the new version are left");
      await box.serving();
      box.check(box.unit().MainPID !== before, "the new version was never tried");
      box.check(
        (await ask("Hello", { authorization: `Bearer ${beforeAll.key}` })).status === 200,
        "it does not answer",
      );
      box.check(box.run("dpkg", ["--audit"]).stdout === "", "dpkg has something to mend");
    },

    async "a version whose program crashes goes back, too"() {
      const broken = variant(deb, scratch, "9.3", (tree) =>
        writeFileSync(path.join(tree, program), "not.a.program();\n"),
      );
      const { status, said } = install(broken);
      box.check(status !== 0 && version() === "9.1 installed", said);
      await box.serving();
    },

    async "a version whose unit is broken goes back, too"() {
      const broken = variant(deb, scratch, "9.4", (tree) => {
        const unit = path.join(tree, "usr/lib/systemd/system/hearthd.service");
        writeFileSync(unit, readFileSync(unit, "utf8").replace("/bin/node", "/bin/gone"));
      });
      const { status, said } = install(broken);
      box.check(status !== 0 && version() === "9.1 installed", said);
      await box.serving();
    },

    async "a downgrade"() {
      const { status, said } = install(deb);
      box.check(status === 0, said);
      box.check(version() === `${first} installed`, version());
      await box.serving();
      box.check(
        (await ask("Hello", { authorization: `Bearer ${beforeAll.key}` })).status === 200,
        "the key is refused",
      );
    },

    async "a service that its owner has stopped stays so over an upgrade"() {
      box.must("systemctl", "stop", "hearthd.service", "hearthd.socket");
      const { status, said } = install(deb);
      box.check(status === 0, said);
      await sleep(1000);
      box.check(box.unit().ActiveState === "inactive", "it was started");
    },

    async "a package that was removed and is installed again starts, unless its owner has disabled it"() {
      box.must("systemctl", "start", "hearthd");
      box.must("dpkg", "-r", "hearthd");
      const { status, said } = install(deb);
      box.check(status === 0, said);
      await box.serving();
      box.check(box.unit("hearthd.socket").ActiveState === "active", "the socket is closed");
      box.check(
        (await ask("Hello", { authorization: `Bearer ${beforeAll.key}` })).status === 200,
        "it does not answer",
      );
      box.must("systemctl", "disable", "--now", "hearthd.service", "hearthd.socket");
      box.must("dpkg", "-r", "hearthd");
      const again = install(deb);
      box.check(again.status === 0, again.said);
      box.check(box.unit().ActiveState === "inactive", "it was started against its owner's will");
      box.must("systemctl", "enable", "hearthd.service", "hearthd.socket");
    },

    "removal keeps configuration and state, and a purge leaves nothing but what is another's"() {
      box.must("systemctl", "start", "hearthd");
      box.write("/var/lib/hearth/photos.zip", "of somebody else");
      box.must("dpkg", "-r", "hearthd");
      box.check(box.systemctl("is-active", "hearthd.service").stdout.trim() !== "active", "it still runs");
      box.check(box.sh("! command -v hearth").status === 0, "the command is left");
      box.check(existsSync(box.file("/var/lib/hearth/keys.json")), "the keys are gone");
      box.must("dpkg", "-P", "hearthd");
      const kept = box.must("ls", "-A", "/var/lib/hearth").trim();
      box.check(kept === "photos.zip", `of the state there is ${kept}`);
      box.must("rm", "-r", "/var/lib/hearth");
      const left = box.sh(
        "find / -xdev \\( -path /proc -o -path /sys -o -path /checkout -o -path /var/log -o -path /var/lib/dpkg \\) -prune -o -iname '*hearth*' -print",
      ).stdout;
      box.check(
        left.split("\n").filter((line) => line && !line.startsWith("/root/")).length === 0,
        `files are left: ${left}`,
      );
      box.check(box.sh("! getent passwd hearth && ! getent group hearth").status === 0, "the user is left");
    },

    async "an installation of a checkout makes room for the package, and keeps its state"() {
      copyFileSync(process.execPath, box.file("/usr/bin/node"));
      const { status, stdout, stderr } = box.run("sh", ["/checkout/deploy/install.sh"]);
      box.check(status === 0, stdout + stderr);
      await box.serving();
      const key = box.must("hearth", "key", "create", "early").trim();
      const { status: installed, said } = install(deb);
      box.check(installed === 0 && said.includes("made room"), said);
      rmSync(box.file("/usr/bin/node"));
      box.start(['auth.mode = "required"']);
      await box.serving();
      box.check((await ask("Hello", { authorization: `Bearer ${key}` })).status === 200, "the key is refused");
      box.check(!existsSync(box.file("/opt/hearth")), "the installation is left");
      box.must("dpkg", "-P", "hearthd");
    },
  };
};
