/** An event of the Responses API as it comes over the wire. */
export interface WireEvent {
  readonly type: string;
  readonly sequence_number?: number;
  readonly [field: string]: unknown;
}
