/** A proxy on loopback that leads every tunnel to one port, and remembers what it was asked for. */
import { createServer } from "node:http";
import { connect } from "node:net";
import type { TestContext } from "node:test";

export interface TestProxy {
  readonly url: string;
  /** `host:port` of each tunnel. */
  readonly asked: readonly string[];
}

/** `port`: where all of it goes. `cutAfter`: so many bytes of each answer go through, and no more. */
export async function startProxy(t: TestContext, port: number, cutAfter?: () => number): Promise<TestProxy> {
  const asked: string[] = [];
  const proxy = createServer().on("connect", (request, client) => {
    asked.push(request.url ?? "");
    const server = connect(port, "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    let left = cutAfter?.() ?? Number.POSITIVE_INFINITY;
    client.pipe(server);
    server.on("data", (piece) => {
      client.write(piece.subarray(0, Math.min(left, piece.length)));
      left -= piece.length;
      if (left < 0) client.end(() => server.destroy());
    });
    server.on("end", () => client.end());
    server.on("error", () => client.destroy());
    client.on("error", () => server.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  return { url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`, asked };
}
