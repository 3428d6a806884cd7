import type { Event } from "../../../helpers/server.js";

export const types = (events: readonly Event[]) => events.map(({ type }) => type);

export const deltas = (events: readonly Event[]) =>
  events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);
