/** The storage of chats that pages keep. */
import path from "node:path";
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Config } from "../config/options.js";
import { ChatStore, chatIdPattern, chatsVersion, type KeptChat } from "../store/chats.js";
import { DocumentStore } from "../store/documents.js";
import type { Locker } from "../store/file-lock.js";

export interface KeptChats {
  readonly chats: ChatStore;
  /** To be started and stopped. */
  readonly documents: DocumentStore<KeptChat>;
}

/** null where the configuration keeps none. */
export function keptChats(
  config: Pick<Config, "chats.max_bytes">,
  { stateFolder, clock, logger, locker }: { stateFolder: string; clock: Clock; logger: Logger; locker: Locker },
): KeptChats | null {
  const limitBytes = config["chats.max_bytes"];
  if (limitBytes === 0) return null;
  // ChatStore refuses what does not fit: no chat makes room for another one, or grows too old.
  const most = Number.POSITIVE_INFINITY;
  const documents = new DocumentStore<KeptChat>(
    {
      folder: path.join(stateFolder, "chats"),
      idPattern: chatIdPattern,
      version: chatsVersion,
      limits: { bytes: most, documents: most, ageMs: most },
      keepsDamaged: true,
    },
    { clock, logger, locker },
  );
  return { documents, chats: new ChatStore(documents, limitBytes, () => clock.wallTime()) };
}
