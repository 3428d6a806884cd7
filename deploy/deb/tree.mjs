/** Writes the files of a package, and what dpkg is told of them. Knows Debian's places; nothing of how machine code is made. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { filesUnder } from "../files.mjs";

const scripts = ["postinst", "prerm", "postrm"];
const conffiles = ["etc/hearth/hearth.toml"];
const units = ["hearthd.service", "hearthd.socket", "hearth-kiosk.service"];

const command = `#!/bin/sh
# The command of hearth, run by the Node that comes with it.
exec /usr/lib/hearthd/bin/node --max-semi-space-size=1 /usr/lib/hearthd/dist/cli/main.js "$@"
`;

/** Places where each shell looks for completions. */
const completionFiles = {
  bash: "usr/share/bash-completion/completions/hearth",
  zsh: "usr/share/zsh/vendor-completions/_hearth",
  fish: "usr/share/fish/vendor_completions.d/hearth.fish",
};

/** All files but machine code. `pages`: texts of manual pages by file name; `completions`: by shell. `date`: seconds since 1970. */
export function writeTree(root, staged, { version, date, pages, completions, nodeLicence }) {
  const write = (file, content, mode = 0o644) => {
    const target = path.join(staged, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content, { mode });
    chmodSync(target, mode);
  };
  const copy = (from, to, mode) => write(to, readFileSync(path.join(root, from)), mode);
  const zipped = (content) => gzipSync(content, { level: 9 });

  for (const file of filesUnder(root, "dist")) copy(file, `usr/lib/hearthd/${file}`);
  copy("package.json", "usr/lib/hearthd/package.json");
  for (const file of filesUnder(root, "models/spark").filter((each) => each.endsWith(".gguf"))) {
    copy(file, `usr/lib/hearthd/${file}`);
  }
  write("usr/bin/hearth", command, 0o755);

  for (const unit of units) copy(`systemd/${unit}`, `usr/lib/systemd/system/${unit}`);
  copy("deploy/kiosk/hearth-display.service", "usr/lib/systemd/system/hearth-display.service");
  copy("deploy/kiosk/browser", "usr/lib/hearthd/kiosk/browser", 0o755);
  copy("systemd/hearthd-generator", "usr/lib/systemd/system-generators/hearthd-generator", 0o755);
  copy("systemd/socket-address", "usr/lib/hearthd/systemd/socket-address", 0o755);
  copy("systemd/hearthd.sysusers.conf", "usr/lib/sysusers.d/hearthd.conf");
  copy("systemd/hearthd.tmpfiles.conf", "usr/lib/tmpfiles.d/hearthd.conf");
  copy("deploy/hearth.toml", "etc/hearth/hearth.toml");
  mkdirSync(path.join(staged, "etc/hearth/credentials"), { mode: 0o700 });

  for (const [name, text] of Object.entries(pages)) write(`usr/share/man/man${name.at(-1)}/${name}.gz`, zipped(text));
  for (const [shell, text] of Object.entries(completions)) write(completionFiles[shell], text);
  const documents = "usr/share/doc/hearthd";
  copy("deploy/deb/copyright", `${documents}/copyright`);
  write(`${documents}/third-party.gz`, zipped(bundledLicences(root)));
  write(`${documents}/node.gz`, zipped(readFileSync(nodeLicence)));
  write(`${documents}/changelog.gz`, zipped(changelog(version, date)));
  write(`${documents}/NEWS.md.gz`, zipped(readFileSync(path.join(root, "CHANGELOG.md"))));
  copy("deploy/deb/lintian-overrides", "usr/share/lintian/overrides/hearthd");
}

/** DEBIAN/: the description, the scripts, the configuration files, and hashes of all others. */
export function writeControl(root, staged, { name, version, date, libraries }) {
  const folder = path.join(staged, "DEBIAN");
  const files = filesUnder(staged, ".").filter((file) => lstatSync(path.join(staged, file)).isFile());
  const kilobytes = files.reduce((sum, file) => sum + Math.ceil(lstatSync(path.join(staged, file)).size / 1024), 0);
  mkdirSync(folder, { recursive: true });
  const template = readFileSync(path.join(root, "deploy", "deb", "control"), "utf8");
  const values = {
    VERSION: version,
    ARCHITECTURE: name,
    KILOBYTES: String(kilobytes),
    LIBRARIES: libraries.join(", "),
  };
  writeFileSync(
    path.join(folder, "control"),
    template.replace(/@([A-Z]+)@/g, (_, key) => values[key]),
  );
  writeFileSync(path.join(folder, "conffiles"), conffiles.map((file) => `/${file}\n`).join(""));
  const hashed = files.filter((file) => !conffiles.includes(file));
  const lines = hashed.map((file) => {
    const hash = createHash("md5").update(readFileSync(path.join(staged, file)));
    return `${hash.digest("hex")}  ${file}\n`;
  });
  writeFileSync(path.join(folder, "md5sums"), lines.join(""));
  const source = (file) => readFileSync(path.join(root, "deploy", "deb", file), "utf8");
  for (const script of scripts) {
    writeFileSync(
      path.join(folder, script),
      source(script).replace("@SERVICE@\n", () => source("service.sh")),
    );
    chmodSync(path.join(folder, script), 0o755);
  }
  normalize(staged, date);
}

/** Modes and times of all files are those of the source, whatever the umask and the clock say. */
function normalize(folder, date) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const each = path.join(folder, entry.name);
    if (entry.isDirectory()) normalize(each, date);
    else lutimesSync(each, date, date);
  }
  chmodSync(folder, path.basename(folder) === "credentials" ? 0o700 : 0o755);
  lutimesSync(folder, date, date);
}

/** The licence of each package of which something is in the bundle. */
function bundledLicences(root) {
  const folders = JSON.parse(readFileSync(path.join(root, "dist", "packages.json"), "utf8"));
  const texts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(path.join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
    const text =
      file && existsSync(path.join(root, folder, file)) ? readFileSync(path.join(root, folder, file), "utf8") : license;
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(78)}\n\n`);
}

/** Debian's form; what changed is in NEWS.md. */
function changelog(version, date) {
  const day = new Date(date * 1000).toUTCString().replace("GMT", "+0000");
  return `hearthd (${version}) stable; urgency=medium\n\n  * See NEWS.md.gz.\n\n -- The hearth contributors <hearth@users.noreply.github.com>  ${day}\n`;
}
