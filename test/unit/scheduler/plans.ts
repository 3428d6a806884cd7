import type { PlanSlot } from "../../../src/scheduler/step-plan.js";

export const prefill = (index: number, pendingTokens: number): PlanSlot => ({
  index,
  phase: "prefill",
  pendingTokens,
  drafts: 0,
  admission: index,
  sample: true,
});
