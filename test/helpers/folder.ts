import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";

const folders = new Set<string>();
process.once("exit", () => {
  for (const folder of folders) remove(folder);
});

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** A new folder that goes with the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "hearth-test-"));
  folders.add(folder);
  t.after(() => {
    try {
      remove(folder);
      folders.delete(folder);
    } catch {
      // A daemon that a later hook ends still writes into it; it goes when this process does.
    }
  });
  return folder;
}
