/** Metrics of models whose weights do not all fit in memory. */
import type { Metrics, Readings } from "../base/metrics.js";
import type { WeightResidency } from "../engine/contract.js";
import type { ServingModel } from "./serving-model.js";

interface LoadedModel {
  readonly name: string;
  readonly loaded: Pick<ServingModel, "engine">;
}

/** `models`: those that are loaded at the moment. */
export function collectWeightMetrics(metrics: Metrics, models: () => readonly LoadedModel[]): void {
  const streaming = (): readonly { name: string; residency: WeightResidency }[] =>
    models().flatMap(({ name, loaded }) => {
      const residency = loaded.engine.residency();
      return residency ? [{ name, residency }] : [];
    });
  const byModel = (name: `hearth_${string}`, help: string, value: (residency: WeightResidency) => number) =>
    metrics.readings({
      name,
      help,
      labels: ["model"],
      read: async () => streaming().map((model) => [{ model: model.name }, value(model.residency)] as const),
    });
  metrics.readings({
    name: "hearth_weights_bytes",
    help: "Weights of models that do not fit: kept in memory, of them locked or resident, streamed for each step, and the ring.",
    labels: ["model", "place"],
    read: async (): Promise<Readings<"model" | "place">> =>
      streaming().flatMap(({ name, residency }) =>
        places(residency).map(([place, bytes]) => [{ model: name, place }, bytes] as const),
      ),
  });
  byModel("hearth_weights_read_bytes", "Bytes of weights that were read for steps.", ({ readBytes }) => readBytes);
  byModel(
    "hearth_weights_reading_seconds",
    "Time that the storage took for them: with the bytes its speed.",
    ({ readingMs }) => readingMs / 1000,
  );
  byModel(
    "hearth_weights_waited_seconds",
    "Time that steps waited for weights to be read.",
    ({ waitedMs }) => waitedMs / 1000,
  );
}

function places(residency: WeightResidency): readonly (readonly [string, number])[] {
  const { keptBytes, lockedBytes, residentBytes, streamedBytes, ringBytes } = residency;
  return [
    ["kept", keptBytes],
    ["locked", lockedBytes],
    ["resident", residentBytes],
    ["streamed", streamedBytes],
    ["ring", ringBytes],
  ];
}

/** For people: `2.4 of 3.8 GB in memory, 1.4 GB read for each token`. */
export function describeResidency({ keptBytes, streamedBytes }: WeightResidency): string {
  const gb = (bytes: number) => (bytes / 1e9).toFixed(1);
  return `${gb(keptBytes)} of ${gb(keptBytes + streamedBytes)} GB in memory, ${gb(streamedBytes)} GB read for each token`;
}
