/** How fast boards read weights, where published figures show it: the best rates of decode on them (docs/performance.md). */

/** Bytes a second; null for other machines, which have to be measured. */
export function knownReadRate(boardName: string | null): number | null {
  const name = boardName ?? "";
  if (/Raspberry Pi (5|500|Compute Module 5)/.test(name)) return 11.3e9;
  if (/Raspberry Pi (4|400|Compute Module 4)/.test(name)) return 3.1e9;
  return null;
}
