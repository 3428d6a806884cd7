/** `hearth kiosk`: types texts out on a console, a serial line or a pipe, as the page /kiosk shows them. Loads no engine. */
import { Command, Option } from "commander";
import { onStopSignals } from "../daemon/signals.js";
import { type KioskLanguage, kioskLanguages } from "../kiosk/calendar.js";
import { settingsOf, templates } from "../kiosk/settings.js";
import { integerBetween } from "./arguments.js";
import { configurationOf } from "./configuration.js";
import { DaemonClient } from "./daemon-client.js";
import { exitStatus } from "./exit-status.js";
import { Kiosk } from "./kiosk-loop.js";
import { openPlace } from "./kiosk-place.js";
import { ownKey } from "./own-key.js";

interface KioskFlags {
  readonly tty?: string;
  readonly template?: string;
  readonly prompt?: readonly string[];
  readonly every?: number;
  readonly theme?: string;
  readonly model?: string;
  readonly instructions?: string;
  readonly maxTokens?: number;
  readonly language?: KioskLanguage;
}

export function kioskCommand(): Command {
  return new Command("kiosk")
    .description("type generated texts out on a console, a serial line or a pipe, as the page /kiosk does")
    .option("--tty <path>", "a terminal such as /dev/tty1, or a file or pipe, in place of this one")
    .addOption(new Option("--template <name>", "the texts where no prompts are given").choices(templates))
    .option(
      "--prompt <text>",
      "a prompt, in place of kiosk.prompts; may be given again",
      (text, all: string[] = []) => [...all, text],
    )
    .option("--every <seconds>", "until the next text; else kiosk.every_ms", integerBetween("--every", 5, 86_400))
    .addOption(new Option("--theme <name>", "the colours; without it they go by the hour").choices(["day", "night"]))
    .option("--model <name>", "the model that answers")
    .option("--instructions <text>", "how it answers")
    .option("--max-tokens <n>", "the longest answer", integerBetween("--max-tokens", 1, 600))
    .addOption(new Option("--language <name>", "the language; else that of LANG").choices(kioskLanguages))
    .action(run);
}

async function run(flags: KioskFlags, command: Command): Promise<void> {
  const { config } = configurationOf(command);
  const json = command.optsWithGlobals().json === true;
  const client = new DaemonClient(config, ownKey(process.env, config["machine.root"]));
  const ended = new AbortController();
  const removeHandlers = onStopSignals({
    first: () => ended.abort(),
    second: () => process.exit(exitStatus.unclean),
  });
  const place = await openPlace({ path: flags.tty ?? null, json, onEnd: () => ended.abort() });
  const kiosk = new Kiosk({
    client,
    settings: settingsOf(addressOf(flags)),
    language: flags.language ?? languageOf(process.env),
    face: place.face,
    // Systemd starts a service again, which is the new version then.
    onNewVersion: () => process.env.INVOCATION_ID && ended.abort(),
  });
  place.onKey(() => kiosk.next());
  place.onResize(() => kiosk.redraw());
  try {
    await kiosk.run(ended.signal);
  } finally {
    place.close();
    removeHandlers();
  }
}

/** The flags as the page's address has them, so that both mean the same. */
function addressOf(flags: KioskFlags): string {
  const { template, prompt = [], every, theme, model, instructions, maxTokens } = flags;
  const single = { template, every, theme, model, instructions, max_tokens: maxTokens };
  const address = new URLSearchParams();
  for (const text of prompt) address.append("prompt", text);
  for (const [name, value] of Object.entries(single)) if (value !== undefined) address.set(name, String(value));
  return `?${address}`;
}

function languageOf(env: Readonly<Record<string, string | undefined>>): KioskLanguage {
  const name = env.LC_ALL || env.LC_MESSAGES || env.LANG || "";
  return kioskLanguages.find((language) => name.startsWith(language)) ?? "en";
}
