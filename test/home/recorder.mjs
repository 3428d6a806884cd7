/** Passes requests on to a daemon, and keeps their bodies. */
import { createServer, request } from "node:http";

/** A port of loopback that is free now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `bodies`: those of all POST requests so far, as text. */
export async function startRecorder(target) {
  const bodies = [];
  const server = createServer(async (incoming, outgoing) => {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts);
    if (incoming.method === "POST") bodies.push(body.toString("utf8"));
    const { method, headers } = incoming;
    const passed = request(new URL(incoming.url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    passed.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, bodies, close: () => server.close() };
}
