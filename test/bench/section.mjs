/** Writes what a bench prints into its section of docs/performance.md. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isBusy, load, provenance, readSection, writeSection } from "../helpers/sections.mjs";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/**
 * Takes `--write` from the command line. With it, all that the program prints from now on becomes the section `name` when it ends well,
 * below a line that says where and when. `isTable`: it prints Markdown, else what it prints is shown as it is. `isExact`: the figures do
 * not depend on how busy the machine is. `command`: what npm runs for it.
 */
export function writesSection(name, { isTable = false, isExact = false, command = `bench:${name}` } = {}) {
  if (isBusy && !isExact) process.stderr.write(`this machine is busy (${load}): the figures say little\n`);
  const at = process.argv.indexOf("--write");
  if (at < 0) return;
  process.argv.splice(at, 1);
  readSection(root, "docs/performance.md", name); // throws where it is missing, before hours of measuring
  let printed = "";
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text, ...rest) => {
    printed += text;
    return write(text, ...rest);
  };
  const measured = `Measured by \`npm run ${command}\`: ${provenance(root)}${isExact ? "" : `, ${load}`}.`;
  process.on("exit", (status) => {
    if (status !== 0) return;
    const text = isTable ? printed.trim() : `\`\`\`\n${printed.trim()}\n\`\`\``;
    writeSection(root, "docs/performance.md", name, `${measured}\n\n${text}`);
  });
}
