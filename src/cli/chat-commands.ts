/** The lines of a chat that are no messages: `/help` and its neighbours. Pure. */

export const chatCommands = {
  "/help": "what there is",
  "/new": "begin a new conversation",
  "/system": "TEXT: who the model is; - takes it back, alone it shows it",
  "/model": "NAME: have another model answer; alone it lists them",
  "/save": "FILE: write the conversation; NAME.json is JSON",
  "/quit": "leave, as Ctrl-D does",
} as const;

export type ChatCommand = keyof typeof chatCommands;

/** Words of other programs for the same. */
const others: Readonly<Record<string, ChatCommand>> = {
  "/?": "/help",
  "/bye": "/quit",
  "/exit": "/quit",
  "/q": "/quit",
  "/clear": "/new",
};

export type ChatLine =
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "command"; readonly command: ChatCommand; readonly value: string }
  | { readonly type: "unknown"; readonly word: string };

/** A message that begins with a slash is typed with two. */
export function chatLine(text: string): ChatLine {
  if (text.startsWith("//")) return { type: "message", text: text.slice(1) };
  const [, word = "", value = ""] = /^(\/\S*)\s*([\s\S]*)$/.exec(text) ?? [];
  if (word === "") return { type: "message", text };
  const name = others[word] ?? word;
  if (!Object.hasOwn(chatCommands, name)) return { type: "unknown", word };
  return { type: "command", command: name as ChatCommand, value: value.trim() };
}

/** The text of `/help`. */
export function helpText(): string {
  const lines = Object.entries(chatCommands).map(([name, about]) => {
    const [, argument = "", what = about] = /^([A-Z]+): (.*)$/.exec(about) ?? [];
    return `  ${`${name} ${argument}`.padEnd(14)}  ${what}`;
  });
  return `${lines.join("\n")}

A backslash at the end of a line, or Alt+Enter, begins another line. Arrow keys bring back what was typed before. Ctrl-C stops an answer. A message that begins with / is typed with //.
`;
}

/** The commands that a line may become, for the Tab key. */
export function completions(line: string): string[] {
  return /^\/\S*$/.test(line) ? Object.keys(chatCommands).filter((name) => name.startsWith(line)) : [];
}
