/** /hearth/v1/chats: kept chats, listed, read, written and deleted by their owner. */
import * as z from "zod";
import { HearthError } from "../../base/errors.js";
import { quoted } from "../../base/excerpt.js";
import { ownerOf } from "../../net/api-key-auth.js";
import type { Server } from "../../net/server.js";
import { parseAt } from "../../net/validate.js";

/** Keeps chats; see store/chats.ts. */
export interface Chats {
  list(owner: string, search?: string): Promise<Summary[]>;
  get(id: string, owner: string): Promise<(Summary & { readonly content: object }) | undefined>;
  put(id: string, owner: string, change: Change): Promise<Summary>;
  delete(id: string, owner: string): Promise<boolean>;
}

interface Summary {
  readonly id: string;
  readonly title: string;
  readonly revision: number;
  /** Milliseconds since 1970, as is `updatedAt`. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

type Change = z.infer<typeof changeSchema>;

const idSchema = z.string().regex(/^chat_[0-9a-f]{32}$/, "a chat's id is chat_ and 32 hex digits");
const paramsSchema = z.object({ id: idSchema });
const listSchema = z.object({ search: z.string().max(256).optional() });
const changeSchema = z.object({
  title: z.string().max(256),
  /** Belongs to the client; the server keeps it as it is. */
  content: z.record(z.string(), z.unknown()),
  /** The revision that the client changed; 0 for a new chat. */
  revision: z.int().min(0),
});

type One = { Params: { id: string } };

export function routeChats({ app }: Server, chats: Chats): void {
  const list = { api: { summary: "Kept chats, the newest first", query: listSchema } };
  app.get("/hearth/v1/chats", { config: list }, async ({ query, client }) => {
    const { search = "" } = parseAt(listSchema, query, "");
    return { object: "list", data: (await chats.list(ownerOf(client), search)).map(describe) };
  });

  const one = { api: { summary: "A kept chat", params: paramsSchema } };
  app.get<One>("/hearth/v1/chats/:id", { config: one }, async ({ params, client }) => {
    const id = idOf(params);
    const chat = await chats.get(id, ownerOf(client));
    if (!chat) throw notFound(id);
    return { ...describe(chat), content: chat.content };
  });

  const put = {
    api: { summary: "Keeps a chat, new or changed", params: paramsSchema, body: changeSchema },
  };
  app.put<One>("/hearth/v1/chats/:id", { config: put }, async ({ params, body, client }) =>
    describe(await chats.put(idOf(params), ownerOf(client), parseAt(changeSchema, body, ""))),
  );

  const remove = { api: { summary: "Deletes a kept chat", params: paramsSchema } };
  app.delete<One>("/hearth/v1/chats/:id", { config: remove }, async ({ params, client }) => {
    const id = idOf(params);
    if (!(await chats.delete(id, ownerOf(client)))) throw notFound(id);
    return { id, object: "chat", deleted: true };
  });
}

function describe({ id, title, revision, createdAt, updatedAt }: Summary) {
  return { id, object: "chat", title, revision, created_at: toSeconds(createdAt), updated_at: toSeconds(updatedAt) };
}

const toSeconds = (ms: number) => Math.floor(ms / 1000);

/** REQUEST_INVALID. */
function idOf({ id }: { id: string }): string {
  return parseAt(idSchema, id, "id");
}

function notFound(id: string): HearthError {
  return new HearthError("CHAT_NOT_FOUND", `There is no chat ${quoted(id)}.`, { param: "id" });
}
