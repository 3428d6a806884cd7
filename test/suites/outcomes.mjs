/** The outcomes of checks that scripts print as lines of JSON: counted, said in one line each, and written as a table of docs/. */
import path from "node:path";
import { readSection, writeSection } from "../helpers/sections.mjs";

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

/**
 * Writes a table into a section of docs/`file`. Its rows have the day behind their first `keys` cells, which name them. Rows that an
 * earlier run wrote stay with their day where this one has none of the name.
 */
export function writeTable(root, file, section, { header, keys, rows }) {
  const day = new Date().toISOString().slice(0, 10);
  const toLine = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "/")).join(" | ")} |`;
  const dated = (cells, date) => [...cells.slice(0, keys), date, ...cells.slice(keys)];
  const cellsOf = (line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const nameOf = (line) => cellsOf(line).slice(0, keys).join("|");
  const document = path.join("docs", file);
  const written = readSection(root, document, section).split("\n");
  const before = written.filter((line) => line.startsWith("|")).slice(2);
  const table = new Map(before.map((line) => [nameOf(line), line]));
  for (const row of rows) {
    const line = toLine(dated(row, day));
    table.set(nameOf(line), line);
  }
  const head = [toLine(dated(header, "date")), `|${" --- |".repeat(header.length + 1)}`];
  writeSection(root, document, section, [...head, ...table.values()].join("\n"));
}

/** The result of a suite: the counts of all rows. */
export function total(rows) {
  const all = rows.flatMap(({ checks }) => checks);
  return { passed: count(all, "passed"), failed: count(all, "failed"), skipped: count(all, "skipped") };
}
