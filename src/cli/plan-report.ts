/** The output of `hearth plan`: a table for people, and one object for programs. */
import path from "node:path";
import { formatBytes, formatDuration, formatShort } from "../base/figures.js";
import type { MeasuredSpeeds, PlannedModel } from "../daemon/model-planner.js";
import type { Prediction } from "../service/plan/predict.js";
import { neededBytes } from "../service/plan/sizes.js";
import { formatTable, printable } from "./terminal.js";

export interface PlanFacts {
  /** The words that it was asked for with. */
  readonly name: string;
  /** `Q4_K_M` */
  readonly type: string;
  /** The limit of the memory. */
  readonly limit: string;
  readonly planned: PlannedModel;
  readonly speeds: MeasuredSpeeds;
  readonly prediction: Prediction;
}

/** The object of `--json`; docs/models.md describes it. */
export function planObject({ name, type, limit, planned, speeds, prediction }: PlanFacts): object {
  const { model, memory, fits, fitting, smallerFile, wish } = planned;
  const { options } = memory;
  const { secondsPerToken } = prediction;
  return {
    model: name,
    architecture: model.architecture,
    type,
    parameters: model.parameters,
    fileBytes: model.fileBytes,
    fits,
    budgetBytes: memory.budgetBytes,
    limit,
    neededBytes: neededBytes(memory),
    processBytes: memory.processBytes,
    reserveBytes: memory.reserveBytes,
    weightBytes: memory.weightBytes,
    keptBytes: memory.keptBytes,
    streamedBytes: memory.streamedBytes,
    ringBytes: memory.ringBytes,
    kvType: options.kvType ?? "f16",
    kvBytes: memory.kvBytes,
    prefixBytes: memory.prefixBytes,
    scratchBytes: memory.scratchBytes,
    contextTokens: options.contextTokens,
    contextTrained: model.contextTrained,
    slots: options.maxSequences,
    wished: {
      contextTokens: wish.contextTokens,
      slots: wish.slots,
      kvType: wish.kvType,
      prefixBytes: wish.prefixBytes,
    },
    ...prediction,
    tokensPerSecond: secondsPerToken === null ? null : 1 / secondsPerToken,
    speeds: {
      diskBytesPerSecond: speeds.diskBytesPerSecond,
      diskFile: speeds.diskFile,
      weights: speeds.weights.map(({ type: of, rowLength, one, many }) => ({
        type: of,
        rowLength,
        oneBytesPerSecond: one,
        manyBytesPerSecond: many,
      })),
    },
    fitting,
    smallerFile,
  };
}

export function planTable(facts: PlanFacts): string {
  const { name, type, limit, planned } = facts;
  const { model } = planned;
  const heading = `${printable(name)}: ${printable(type)} ${printable(model.architecture)}, ${formatBytes(model.fileBytes)}\n\n`;
  return `${heading}${formatTable([...memoryRows(planned, limit), ["", "", ""], ...speedRows(facts)])}${adviceLines(planned)}`;
}

function memoryRows({ memory, wish, fits }: PlannedModel, limit: string): string[][] {
  const { options, streamedBytes } = memory;
  const instead = (value: number | string, wished: number | string) => (value === wished ? "" : `, not ${wished}`);
  const { contextTokens, maxSequences, kvType = "f16" } = options;
  const kv = [
    `${kvType}${instead(kvType, wish.kvType)}`,
    `context ${contextTokens}${contextTokens < wish.contextTokens ? instead(contextTokens, wish.contextTokens) : ""}`,
    `slots ${maxSequences}${instead(maxSequences, wish.slots)}`,
  ].join("; ");
  const total = memory.budgetBytes + memory.processBytes + memory.reserveBytes;
  const row = (what: string, bytes: number, more: string) => [what, formatBytes(bytes), more];
  const kept = streamedBytes === 0 ? "all of them" : `of ${formatBytes(memory.weightBytes)}, spread over the layers`;
  return [
    row("memory", total, limit),
    row("  Node", memory.processBytes, "with the vocabulary"),
    row("  reserve", memory.reserveBytes, "left to others"),
    row("  KV cache", memory.kvBytes, kv),
    ...(memory.prefixBytes > 0 || wish.prefixBytes > 0
      ? [row("  prompts", memory.prefixBytes, "that come again need not be read again")]
      : []),
    row("  scratch", memory.scratchBytes, `for steps of ${options.maxBatchTokens} tokens`),
    row("  weights kept", memory.keptBytes, kept),
    ...(memory.ringBytes > 0 ? [row("  ring", memory.ringBytes, "that the others are read into")] : []),
    ...(fits ? [] : [row("  too much", neededBytes(memory) - memory.budgetBytes, "does not fit")]),
  ];
}

function speedRows({ planned, speeds, prediction }: PlanFacts): string[][] {
  const { memory } = planned;
  const { secondsPerToken, firstTokenSeconds, promptTokens, streamedBytesPerToken, weightBytesPerToken } = prediction;
  const perSecond = (bytes: number) => `${formatBytes(bytes)}/s`;
  const rows: string[][] = [];
  if (memory.streamedBytes > 0) {
    rows.push([
      "read for a token",
      formatBytes(streamedBytesPerToken),
      memory.experts > 0 ? "of the experts it uses" : "",
    ]);
    rows.push(
      speeds.diskBytesPerSecond === null
        ? ["disk", "unknown", "it could not be measured"]
        : ["disk", perSecond(speeds.diskBytesPerSecond), `as ${path.basename(speeds.diskFile ?? "")} is read`],
    );
  }
  const [weights] = speeds.weights;
  if (weights) {
    const more = `of the ${formatBytes(weightBytesPerToken)} that a token is multiplied with`;
    rows.push(["weights in memory", perSecond(weights.one), more]);
  }
  if (secondsPerToken === null || firstTokenSeconds === null) return [...rows, ["speed", "unknown", ""]];
  const bound = prediction.boundBy === "disk" ? "bound by the disk" : "bound by memory and processor";
  rows.push([
    "first token",
    formatDuration(firstTokenSeconds),
    `after a prompt of ${promptTokens.toLocaleString("en")} tokens`,
  ]);
  rows.push([
    "then",
    `${formatShort(1 / secondsPerToken)} tokens/s`,
    `${formatDuration(secondsPerToken)} a token, ${bound}`,
  ]);
  return rows;
}

function adviceLines({ fits, fitting, smallerFile, memory }: PlannedModel): string {
  const lines: string[] = [];
  if (!fits && fitting.length > 0) lines.push(`It would fit with ${fitting.join(", or with ")}.`);
  if (smallerFile && memory.streamedBytes > 0) {
    lines.push(
      `As ${smallerFile.type} (about ${formatBytes(smallerFile.bytes)}) all of its weights would be in memory.`,
    );
  }
  return lines.map((line) => `\n${line}\n`).join("");
}
