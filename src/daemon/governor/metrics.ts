/** Metrics of the governor: what the board's sensors tell, and how much of the board is in use because of it. */
import type { Metrics } from "../../base/metrics.js";
import { throttleFlags } from "../../machine/heat.js";
import type { GovernorState } from "./governor.js";

/** `state`: of the last look. */
export function collectGovernorMetrics(metrics: Metrics, state: () => GovernorState): void {
  metrics.gauge({
    name: "hearth_governor_threads",
    help: "The most threads that a step may take at the moment.",
    read: () => state().threads,
  });
  metrics.gauge({
    name: "hearth_governor_work_share",
    help: "The part of the time in which steps may run, for the sake of heat, power and quiet: 1 is all.",
    read: () => state().workShare,
  });
  metrics.readings({
    name: "hearth_governor_restraint",
    help: "1 for each reason why less than the whole board is used.",
    labels: ["reason"],
    read: async () => state().restraints.map((reason) => [{ reason }, 1] as const),
  });
  metrics.readings({
    name: "hearth_temperature_limit_celsius",
    help: "The temperature at which the processor slows down by itself, where the board or the configuration tells.",
    read: async () => single(state().limitCelsius),
  });
  metrics.readings({
    name: "hearth_cpu_waiting_share",
    help: "The part of the time in which some program waited for a processor.",
    read: async () => single(state().waitingShare),
  });
  metrics.readings({
    name: "hearth_cpu_frequency_hertz",
    help: "The processors' clock, and the highest one that is allowed.",
    labels: ["policy", "kind"],
    read: async () =>
      state().heat.clocks.flatMap(({ name, hertz, maxHertz }) => [
        ...(hertz === null ? [] : [[{ policy: name, kind: "current" }, hertz] as const]),
        ...(maxHertz === null ? [] : [[{ policy: name, kind: "most" }, maxHertz] as const]),
      ]),
  });
  metrics.readings({
    name: "hearth_throttled",
    help: "What a Raspberry Pi's firmware says of heat and power: 1 where it is so now, or was since the boot.",
    labels: ["flag", "when"],
    read: async () => {
      const { throttle } = state().heat;
      if (throttle === null) return [];
      return throttleFlags.flatMap((flag) => [
        [{ flag, when: "now" }, Number(throttle.now.includes(flag))] as const,
        [{ flag, when: "boot" }, Number(throttle.sinceBoot.includes(flag))] as const,
      ]);
    },
  });
}

function single(value: number | null): readonly (readonly [Record<never, string>, number])[] {
  return value === null ? [] : [[{}, value]];
}
