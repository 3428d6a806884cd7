/** How a kiosk behaves, from its address and from the server's configuration. Pure. */
import { dayText, type KioskLanguage, timeText } from "./calendar.js";

export const templates = ["clock", "greeting", "story", "quote", "mixed"] as const;
export type Template = (typeof templates)[number];

export interface KioskSettings {
  readonly template: Template;
  /** From the address; empty: those of the server, or of the template. */
  readonly prompts: readonly string[];
  /** null: as the server says. */
  readonly everyMs: number | null;
  readonly model: string;
  readonly instructions: string;
  readonly maxTokens: number;
  /** `auto` is day by day and night by night. */
  readonly theme: "auto" | "day" | "night";
}

const longestTokens = 600;

/** `?template=story&prompt=...&prompt=...&every=300&model=...&theme=night`; `every` in seconds. */
export function settingsOf(query: string): KioskSettings {
  const parameters = new URLSearchParams(query);
  const template = templates.find((name) => name === parameters.get("template")) ?? "mixed";
  const seconds = Number(parameters.get("every"));
  const tokens = Number(parameters.get("max_tokens"));
  const theme = parameters.get("theme");
  return {
    template,
    prompts: parameters.getAll("prompt").filter((prompt) => prompt.trim() !== ""),
    everyMs: seconds >= 5 ? seconds * 1000 : null,
    model: parameters.get("model") ?? "default",
    instructions: parameters.get("instructions") ?? "",
    maxTokens: tokens >= 1 ? Math.min(Math.floor(tokens), longestTokens) : longestTokens / 2,
    theme: theme === "day" || theme === "night" ? theme : "auto",
  };
}

const ownPrompts = {
  en: {
    greeting: "Write a warm greeting of one or two sentences for a family at home. It is {time} on a {day}.",
    story: "Tell a very short story of five sentences about the fire in a hearth, a fox and a long evening.",
    quote: "Write one short, kind thought for today, in one sentence.",
  },
  de: {
    greeting: "Schreib einen herzlichen Gruß von ein oder zwei Sätzen für eine Familie zu Hause. Es ist {time}, {day}.",
    story:
      "Erzähl eine sehr kurze Geschichte in fünf Sätzen über das Feuer im Kamin, einen Fuchs und einen langen Abend.",
    quote: "Schreib einen kurzen, freundlichen Gedanken für heute, in einem Satz.",
  },
} as const;

/** The `turn`th prompt, with the time in it; null where a template shows none. */
export function promptFor(
  { template, prompts }: Pick<KioskSettings, "template" | "prompts">,
  server: readonly string[],
  { turn, now, language }: { turn: number; now: Date; language: KioskLanguage },
): string | null {
  const own = ownPrompts[language];
  const ofTemplate = template === "mixed" ? Object.values(own) : template === "clock" ? [] : [own[template]];
  const all = prompts.length > 0 ? prompts : template === "mixed" && server.length > 0 ? server : ofTemplate;
  const prompt = all[turn % Math.max(1, all.length)];
  if (prompt === undefined) return null;
  return prompt.replaceAll("{time}", timeText(now, language)).replaceAll("{day}", dayText(now, language));
}

/** Eyes that are used to the dark are not to be blinded, nor is anybody's sleep. */
export function isNight(now: Date): boolean {
  return now.getHours() >= 21 || now.getHours() < 7;
}

/** The picture's place in a minute, in pixels from its middle: no pixel shows the same for long. */
export function driftAt(minute: number): { readonly x: number; readonly y: number } {
  const steps = [0, 3, 6, 9, 6, 3, 0, -3, -6, -9, -6, -3];
  return { x: steps[minute % steps.length] ?? 0, y: steps[Math.floor(minute / steps.length) % steps.length] ?? 0 };
}
