/**
 * Writes the files that repeat src/base/error-catalogue.ts: the codes and advice for native code, and the page for people.
 * Part of `npm run format`; the test of the catalogue fails while a file differs.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type ErrorKind, engineErrors, requestErrors, startErrors, storeErrors } from "../src/base/error-catalogue.js";

type Catalogue = Readonly<Record<string, ErrorKind>>;

/** Aligned as clang-format aligns a macro. */
function nativeHeader(errors: Catalogue): string {
  const lines = [
    "#define HEARTH_NATIVE_ERRORS(X)",
    ...Object.entries(errors).map(([code, { advice }]) => `  X(${code}, ${JSON.stringify(advice)})`),
  ];
  const width = Math.max(...lines.slice(0, -1).map((line) => line.length));
  return `// The native half of the error catalogue: every code the engine can return, with its advice. Written by
// deploy/error-files.ts from src/base/error-catalogue.ts, which is the place to change it.
#pragma once

// X(CODE, "what to do about it")
${lines.map((line, i) => (i < lines.length - 1 ? `${line.padEnd(width)} \\` : line)).join("\n")}
`;
}

function table(errors: Catalogue): string {
  const rows = [
    ["code", "HTTP", "wire code", "retry", "what to do"],
    ...Object.entries(errors).map(([code, { status, wireCode, retryable, advice }]) => [
      `\`${code}\``,
      String(status),
      `\`${wireCode}\``,
      retryable ? "yes" : "no",
      advice,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [head, widths.map((width) => "-".repeat(width)), ...body].map(line).join("\n");
}

function page(): string {
  return `# Errors

Every error of hearthd has a code, a message that says what was wrong, and advice that says what to do. The code stands in logs
and on the command line; HTTP clients see the status, and clients of the OpenAI protocols the wire code as \`error.code\`. On a
WebSocket the status is the \`status\` of the error event. Where retry is yes, the same request may succeed later. A message
repeats at most 200 characters of a request. \`npm run format\` writes this page from \`src/base/error-catalogue.ts\`.

## Model files and the engine

${table(engineErrors)}

## Start and command line

${table(startErrors)}

## The store of models

${table(storeErrors)}

## Requests and connections

${table(requestErrors)}
`;
}

/** The content of each generated file, by its path in the checkout. */
export const errorFiles: Readonly<Record<string, string>> = {
  "native/include/errors.h": nativeHeader(engineErrors),
  "src/base/ERRORS.md": page(),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = path.dirname(import.meta.dirname);
  for (const [file, text] of Object.entries(errorFiles)) writeFileSync(path.join(root, file), text);
}
