/** Metrics of prefix snapshots on disk. Made once a process. */
import type { Counter, Metrics } from "../base/metrics.js";

export class SnapshotMetrics {
  readonly writtenBytes: Counter;
  readonly damaged: Counter;

  /** `diskBytes`: of all files at the moment. */
  constructor(metrics: Metrics, diskBytes: () => number) {
    this.writtenBytes = metrics.counter({
      name: "hearth_prefix_written_bytes_total",
      help: "Bytes of prefixes written to disk.",
    });
    this.damaged = metrics.counter({
      name: "hearth_prefix_damaged_total",
      help: "Stored prefixes that could not be used and were removed.",
    });
    metrics.gauge({
      name: "hearth_prefix_stored_bytes",
      help: "Bytes of the prefixes on disk.",
      read: diskBytes,
    });
  }
}
