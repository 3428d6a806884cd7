/** The outcomes of checks that scripts print as lines of JSON: counted, said in one line each, and written as a table of docs/. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The checks that a script printed: { check, outcome: "passed" | "failed" | "skipped", detail }. A script that broke off failed. */
export function readChecks({ status, output }) {
  const checks = output
    .split("\n")
    .filter((line) => line.startsWith('{"check"'))
    .map((line) => JSON.parse(line));
  if (status === 0 && checks.length > 0) return checks;
  const detail = status === null ? "was ended: it took too long" : `ended with ${status} after ${checks.length} checks`;
  return [...checks, { check: "the script", outcome: "failed", detail }];
}

export function count(checks, outcome) {
  return checks.filter((each) => each.outcome === outcome).length;
}

/** `title`, the counts, and below it what failed or was skipped. */
export function sayRow(title, checks) {
  const counts = ["passed", "failed", "skipped"].map((outcome) => `${count(checks, outcome)} ${outcome}`);
  process.stdout.write(`${title.padEnd(60)} ${counts.join(", ")}\n`);
  for (const { check, outcome, detail } of checks) {
    if (outcome !== "passed" || detail) process.stdout.write(`    ${outcome}: ${check}: ${oneLine(detail, 300)}\n`);
  }
}

export function oneLine(text, length) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 3)}...` : line;
}

/** Writes docs/`file`: an introduction, today's date, and a table. */
export function writeTable(root, file, { title, introduction, header, rows }) {
  const day = new Date().toISOString().slice(0, 10);
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const table = [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
  mkdirSync(path.join(root, "docs"), { recursive: true });
  writeFileSync(
    path.join(root, "docs", file),
    `# ${title}\n\n${introduction}\n\nOn ${day}, ${process.arch}:\n\n${table}\n`,
  );
}

/** The result of a suite: the counts of all rows. */
export function total(rows) {
  const all = rows.flatMap(({ checks }) => checks);
  return { passed: count(all, "passed"), failed: count(all, "failed"), skipped: count(all, "skipped") };
}
