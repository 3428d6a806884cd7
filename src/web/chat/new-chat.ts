/** A chat that nobody has written in yet. */
import { randomId } from "../common/ids.js";
import { preferences } from "../common/preferences.js";
import type { Chat } from "./chat.js";
import { newContent, noSettings } from "./tree.js";

export function emptyChat(model: string | null = defaultModel()): Chat {
  const content = newContent({ ...noSettings, model });
  return { id: randomId("chat_"), title: "", revision: 0, updatedAt: Math.floor(Date.now() / 1000), content };
}

/** The model that was chosen last on this device. */
function defaultModel(): string | null {
  try {
    const { model } = JSON.parse(preferences.get("defaults") ?? "{}");
    return typeof model === "string" ? model : null;
  } catch {
    return null;
  }
}
