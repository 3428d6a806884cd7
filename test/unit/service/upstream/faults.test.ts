import assert from "node:assert/strict";
import test from "node:test";
import { until } from "../../../helpers/scheduler.js";
import type { Event } from "../../../helpers/server.js";
import { beginStream, fakeUpstream, sendChunk, sendJson } from "../../../helpers/upstream.js";
import { routed, words } from "../../../helpers/upstream-servers.js";

const faults: readonly {
  readonly what: string;
  readonly status: number;
  readonly code: string;
  readonly answer: Parameters<typeof fakeUpstream>[2];
}[] = [
  { what: "hangs before its headers", status: 504, code: "upstream_error", answer: () => {} },
  {
    what: "hangs before its first token",
    status: 504,
    code: "upstream_error",
    answer: (_, response) => {
      beginStream(response);
      response.flushHeaders();
    },
  },
  { what: "closes the connection", status: 502, code: "upstream_error", answer: (_, response) => response.destroy() },
  {
    what: "answers a web page",
    status: 502,
    code: "upstream_error",
    answer: (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>Hello"),
  },
  {
    what: "streams what is not JSON",
    status: 502,
    code: "upstream_error",
    answer: (_, response) => {
      beginStream(response);
      response.end("data: {oops\n\n");
    },
  },
  {
    what: "streams JSON of another form",
    status: 502,
    code: "upstream_error",
    answer: (_, response) => {
      beginStream(response);
      response.end('data: {"choices":[{"delta":{"content":7}}]}\n\ndata: [DONE]\n\n');
    },
  },
  {
    what: "ends its stream at once",
    status: 502,
    code: "upstream_error",
    answer: (_, response) => {
      beginStream(response);
      response.end("data: [DONE]\n\n");
    },
  },
  {
    what: "sends a line without end",
    status: 502,
    code: "upstream_error",
    answer: (_, response) => {
      beginStream(response);
      response.end(`data: ${"x".repeat(3_000_000)}`);
    },
  },
  {
    what: "fails",
    status: 502,
    code: "upstream_error",
    answer: (_, response) => sendJson(response, 500, { error: { message: "out of memory" } }),
  },
  {
    what: "is busy",
    status: 503,
    code: "upstream_busy",
    answer: (_, response) => sendJson(response, 429, { error: "slow down" }, { "retry-after": "17" }),
  },
  {
    what: "refuses the request",
    status: 400,
    code: "upstream_refused",
    answer: (_, response) => sendJson(response, 400, { error: { message: "temperature is too hot" } }),
  },
];

for (const { what, status, code, answer } of faults) {
  test(`an upstream that ${what} is a ${status} that says so`, async (t) => {
    const upstream = await fakeUpstream(t, ["big"], answer);
    const server = await routed(t, upstream);
    for (const stream of [false, true]) {
      const response = await server.post("/v1/responses", { model: "big", input: "Hi", stream });
      const { error } = (await response.json()) as Event;
      assert.equal(response.status, status, error.message);
      assert.equal(error.code, code);
      assert.match(error.message, /gpu/);
      if (status === 503) assert.equal(response.headers.get("retry-after"), "17");
      if (status === 400) assert.match(error.message, /too hot/);
    }
    await server.atRest();
  });
}

for (const [what, breakOff] of Object.entries({
  dies: (response: Parameters<typeof beginStream>[0]) => response.destroy(),
  "falls silent": () => {},
  "says that it failed": (response: Parameters<typeof beginStream>[0]) =>
    response.end('data: {"error":{"message":"no memory"}}\n\n'),
})) {
  test(`an upstream that ${what} in mid-stream ends the answer with an error`, async (t) => {
    const upstream = await fakeUpstream(t, ["big"], (_, response) => {
      beginStream(response);
      for (const content of words) sendChunk(response, { content });
      setTimeout(() => breakOff(response), 50);
    });
    const server = await routed(t, upstream);
    const client = await server.connect();
    const events = await client.ask({ model: "big", input: "Hi" });
    const last = events.at(-1);
    assert.equal(last?.type, "response.failed");
    assert.equal(last?.response.error.code, "upstream_error");
    assert.equal(last?.response.output[0].content[0].text, "from the attic");
    // The socket lives, and what runs here still answers.
    assert.equal((await client.ask({ input: "Hi" })).at(-1)?.type, "response.completed");
    await until(() => upstream.asked.length >= 2);
  });
}
