/** The contract with the native addon, of writing models: in smaller types, or from the tensors of other files. */

/** Mirrors native/include/quantize.h. */
export interface QuantizeOptions {
  /** A mix of types: `Q4_K_M`, `Q8_0`, `F16`, in any case. */
  readonly type: string;
  /** 0: one per physical core that this process may use. */
  readonly threads: number;
  /** Every matrix in the mix's main type. */
  readonly pure: boolean;
  /** Accept weights that are quantized already. */
  readonly allowRequantize: boolean;
}

export interface QuantizeProgress {
  /** The bytes of the source's weights that are done. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The tensor in work. */
  readonly tensor: string;
}

/** The weights of one type in the written file, and the error that converting them made. */
export interface QuantizedType {
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
  /** Sums over the weights that were converted to the type. */
  readonly squaredError: number;
  readonly squaredNorm: number;
}

export interface QuantizeReport {
  /** The bytes of all tensors' data. */
  readonly sourceBytes: number;
  readonly bytes: number;
  readonly weights: number;
  /** The largest first. */
  readonly types: readonly QuantizedType[];
}

export interface QuantizeWatch {
  readonly onProgress?: (progress: QuantizeProgress) => void;
  /** Stops the work; the promise rejects with the signal's reason, and nothing is left of the file. */
  readonly signal?: AbortSignal;
}

/** A tensor in one of several source files, row-major in F32, F16 or BF16, little-endian. */
export interface ImportTensor {
  /** In the written file. */
  readonly name: string;
  readonly type: string;
  /** The fastest dimension first. */
  readonly shape: readonly number[];
  /** Index of `ImportPlan.files`. */
  readonly file: number;
  /** The start of its data, from the start of that file. */
  readonly offset: number;
  /** Not 0: rows are heads of so many rows, whose halves hold the two parts of RoPE's pairs; they are interleaved. */
  readonly interleaveRows: number;
  /** To each weight. */
  readonly add: number;
}

/** Numbers are uint32 unless `type` says otherwise. */
export interface ImportKey {
  readonly name: string;
  readonly value: boolean | number | string | readonly string[] | Int32Array | Float32Array;
  readonly type?: "float32";
}

export interface ImportPlan {
  readonly files: readonly string[];
  readonly keys: readonly ImportKey[];
  readonly tensors: readonly ImportTensor[];
  /** Divisors of RoPE's frequencies; empty for none. */
  readonly ropeFactors: Float32Array;
}
