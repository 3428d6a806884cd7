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

test("the lint finds a place without a sentence, and leaves conditions that begin alike alone", () => {
  const places = [
    "// Where the file is.",
    "/** Where, from `at` on, a word begins; -1 if nowhere. */",
    "/** Where a value came from: `file /etc/x, y`, `flag`. */",
    "// Where the work ends that was asked for, by client.",
  ];
  const conditions = [
    "/** Where there is no file, one is made: an empty one. */",
    "/** Where a request names its target (`GET http://host:1/path`), the host in it counts. */",
    "// Where the kernel and the file system have such pages and nobody has taken them",
    "// yet, they are used.",
  ];
  assert.deepEqual(linesOf("a.ts", places.join("\n\n")), [1, 3, 5, 7]);
  assert.deepEqual(linesOf("a.ts", conditions.join("\n\n")), []);
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
