/** The scheduler's metrics. Made once a process: a scheduler lives as long as its model, a metric longer. */
import type { Counter, Gauge, Histogram, Metrics } from "../base/metrics.js";

/** One scheduler's share of a gauge that shows the sum of several. */
export class GaugeShare {
  readonly #gauge: Gauge;
  #value = 0;

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
  }

  set(value: number): void {
    this.#gauge.inc(value - this.#value);
    this.#value = value;
  }
}

export class SchedulerMetrics {
  readonly slotsBusy: Gauge;
  readonly queueLength: Gauge;
  readonly promptTokens: Counter;
  readonly cachedTokens: Counter;
  readonly generatedTokens: Counter;
  readonly drafts: Counter;
  readonly acceptedDrafts: Counter;
  readonly prefixHits: Counter;
  readonly prefixRestores: Counter;
  readonly restoredTokens: Counter;
  readonly evictions: Counter;
  readonly preemptions: Counter;
  readonly queueTimeouts: Counter;
  readonly stepSeconds: Histogram;
  readonly queueSeconds: Histogram;
  readonly prefillSeconds: Histogram;
  readonly firstTokenSeconds: Histogram;
  readonly tokenSeconds: Histogram;
  readonly decodeSeconds: Histogram;

  constructor(metrics: Metrics) {
    this.slotsBusy = metrics.gauge({ name: "hearth_slots_busy", help: "Slots that work on a request." });
    this.queueLength = metrics.gauge({ name: "hearth_queue_length", help: "Requests that wait for a slot." });
    this.promptTokens = metrics.counter({ name: "hearth_prompt_tokens_total", help: "Prompt tokens computed." });
    this.cachedTokens = metrics.counter({
      name: "hearth_prompt_cached_tokens_total",
      help: "Prompt tokens that were in the KV cache already.",
    });
    this.generatedTokens = metrics.counter({ name: "hearth_generated_tokens_total", help: "Tokens generated." });
    this.drafts = metrics.counter({ name: "hearth_draft_tokens_total", help: "Tokens drafted ahead of the model." });
    this.acceptedDrafts = metrics.counter({
      name: "hearth_draft_tokens_accepted_total",
      help: "Drafted tokens that the model drew too.",
    });
    this.prefixHits = metrics.counter({
      name: "hearth_prefix_hits_total",
      help: "Requests that found a prefix of their prompt in the KV cache.",
    });
    this.prefixRestores = metrics.counter({
      name: "hearth_prefix_restores_total",
      help: "Prefixes that were read back from disk because a request began with them.",
    });
    this.restoredTokens = metrics.counter({
      name: "hearth_prefix_restored_tokens_total",
      help: "Tokens of those prefixes.",
    });
    this.evictions = metrics.counter({
      name: "hearth_kv_evictions_total",
      help: "Idle prefixes that lost their KV cache for want of room.",
    });
    this.preemptions = metrics.counter({
      name: "hearth_preemptions_total",
      help: "Requests that went back to the queue for want of room in the KV cache.",
    });
    this.queueTimeouts = metrics.counter({
      name: "hearth_queue_timeouts_total",
      help: "Requests that waited for a slot as long as they may.",
    });
    this.stepSeconds = metrics.histogram({
      name: "hearth_step_seconds",
      help: "Time of one engine step.",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    });
    const waits = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
    const histogram = (name: `hearth_${string}`, help: string, buckets: readonly number[]) =>
      metrics.histogram({ name, help, buckets });
    this.queueSeconds = histogram("hearth_queue_seconds", "Time that a request waited for a slot.", waits);
    this.prefillSeconds = histogram("hearth_prefill_seconds", "Time from the slot to the first token.", waits);
    this.firstTokenSeconds = histogram(
      "hearth_time_to_first_token_seconds",
      "Time from the request to its first token.",
      waits,
    );
    this.tokenSeconds = histogram(
      "hearth_inter_token_seconds",
      "Time from one token of an answer to the next.",
      [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10],
    );
    this.decodeSeconds = histogram(
      "hearth_decode_seconds",
      "Time from the first token to the end of an answer.",
      waits,
    );
  }
}
