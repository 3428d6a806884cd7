/** A request's sampling options, in whatever words its protocol has. */
import type { SamplerOptions } from "../engine/contract.js";

type Asked = { readonly [Field in keyof SamplerOptions]?: SamplerOptions[Field] | null | undefined };

/** Only what the client set: the rest has the service's defaults. */
export function askedSampling(asked: Asked): Partial<SamplerOptions> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null && value !== undefined));
}
