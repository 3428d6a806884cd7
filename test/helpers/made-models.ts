import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { scripted } from "../fake-engine/module.js";
import { temporaryFolder } from "./folder.js";
import { type Event, startServer, type TestServer } from "./server.js";

export const chatTemplate =
  "{% for m in messages %}<|turn|>{{ m.role }}:{{ m.content }}<|end|>{% endfor %}<|turn|>assistant:";

/** A server whose configured model has a file; the fake engine does not look into it. */
export async function startWithFile(t: TestContext) {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "fake.gguf");
  writeFileSync(file, "weights");
  const server = await startServer(t, { fake: { chatTemplate, next: scripted("Yes.") }, model: file });
  const json = async (response: Response) => (await response.json()) as Event;
  return {
    ...server,
    file,
    tags: async (): Promise<Event[]> => (await json(await fetch(`${server.url}/api/tags`))).models,
    show: async (model: string) => json(await server.post("/api/show", { model })),
    create: async (body: object) => {
      const response = await server.post("/api/create", { stream: false, ...body });
      return { status: response.status, ...(await json(response)) } as Event;
    },
    remove: async (model: string) =>
      (await fetch(`${server.url}/api/delete`, { method: "DELETE", body: JSON.stringify({ model }) })).status,
  };
}

export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

export const send = (server: TestServer, digest: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/api/blobs/${digest}`, { method: "POST", body, headers });
