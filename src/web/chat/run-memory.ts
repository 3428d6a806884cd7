/** Answers on their way, kept in the tab while its page is reloaded or taken out of memory. */
import type { Answer } from "../common/answer.js";
import { tabMemory } from "../common/preferences.js";

export interface KeptRun {
  readonly chatId: string;
  readonly nodeId: string;
  readonly request: object;
  readonly answer: Answer;
}

const name = "runs";

export function keepRuns(runs: readonly KeptRun[]): void {
  if (runs.length === 0) {
    forgetRuns();
    return;
  }
  if (tabMemory.set(name, JSON.stringify(runs))) return;
  // Too long for the tab's memory: the server still has the events from the first one on, or the whole at its end.
  const bare = runs.map((run) => ({ ...run, answer: { ...run.answer, parts: [], lastNumber: -1, deltas: 0 } }));
  tabMemory.set(name, JSON.stringify(bare));
}

export function keptRuns(): KeptRun[] {
  try {
    return JSON.parse(tabMemory.get(name) ?? "[]");
  } catch {
    return [];
  }
}

export function forgetRuns(): void {
  tabMemory.set(name, null);
}
