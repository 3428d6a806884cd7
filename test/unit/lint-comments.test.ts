import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "../../deploy/lint-comments.js";

const linesOf = (file: string, text: string) => faults(file, text).map((fault) => Number(fault.split(":")[1]));

test("the lint finds comments that begin without a subject, of every form", () => {
  const code = [
    "// Of the rows.",
    ["const a = 1;", "As above."].join(" // "),
    "/** What is read. */",
    "/**",
    " * Those that wait.",
    " */",
    "/** The same for more rows. */",
  ];
  assert.deepEqual(linesOf("a.ts", code.join("\n")), [1, 2, 3, 5, 7]);
  assert.deepEqual(linesOf("a.h", code.join("\n")), [1, 2, 3, 5, 7]);
  assert.deepEqual(linesOf("a.py", "# What is said.\nx = 1  # Of y.\n"), [1, 2]);
});

test("the lint leaves sentences with a subject, lines within a comment and texts of the program alone", () => {
  const code = [
    "// Rows that the step reads, and the first",
    "// Of them goes on.",
    'const url = "https://example.org/What";',
    "/** Assets and offers are no such words. */",
    "/**",
    " * The budget of one step.",
    " * What is left goes to the next one.",
    " */",
  ];
  assert.deepEqual(linesOf("a.ts", code.join("\n")), []);
  assert.deepEqual(linesOf("README.md", "# What it does"), []);
});
