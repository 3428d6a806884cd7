/** Requests of tests that do not care which model answers. */

/** Asks the configured model where the request says nothing of a model. */
export function named<T extends object>(request: T): T {
  return { model: "default", ...request };
}

const needModel = /^\/v1\/(responses|chat\/completions|completions|embeddings)(\?|$)/;

/** Names a model in a body that may be anything, for a path that may be any. */
export function namedFor(path: string, body: unknown): unknown {
  const isRequest = needModel.test(path) && typeof body === "object" && body !== null && !Array.isArray(body);
  return isRequest ? named(body) : body;
}

/** Names a model in a frame that may be anything. */
export function namedFrame(frame: unknown): unknown {
  const isRequest = typeof frame === "object" && frame !== null && "type" in frame && frame.type === "response.create";
  return isRequest ? named(frame) : frame;
}
