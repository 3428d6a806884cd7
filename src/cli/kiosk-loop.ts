/**
 * Decides what a kiosk on a console shows and when, as the page /kiosk does: prompts on a timer, at a key or when the home says so, and
 * texts of the home. Goes on by itself when the daemon is back, for ever. Knows no terminal.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { HearthError } from "../base/errors.js";
import { dateText, type KioskLanguage, timeText } from "../kiosk/calendar.js";
import { driftAt, isNight, type KioskSettings, promptFor } from "../kiosk/settings.js";
import { type KioskState, newsLimitMs, retryMs, shownText } from "../kiosk/shown.js";
import { daemonAnswer, refusal } from "./daemon-answer.js";
import type { DaemonClient } from "./daemon-client.js";
import type { KioskView } from "./kiosk-layout.js";

export interface KioskFace {
  /** Something may have changed. `isNewMinute`: everything is to be drawn. */
  show(view: KioskView, isNight: boolean, isNewMinute: boolean): void;
  /** A whole text, when it is there. `prompt`: null for one that the home sent. */
  piece(text: string, prompt: string | null): void;
}

export interface KioskOptions {
  readonly client: DaemonClient;
  readonly settings: KioskSettings;
  readonly language: KioskLanguage;
  readonly face: KioskFace;
  /** Told of a daemon of another version than it was. */
  readonly onNewVersion: () => void;
}

const tickMs = 1000;
/** Frames of a text that is typed out; a slow line takes no more. */
const frameMs = 50;
const minuteMs = 60_000;
const dayMs = 86_400_000;

const notices = {
  en: { connection: "No connection to the server. Goes on by itself." },
  de: { connection: "Keine Verbindung zum Server. Es geht von selbst weiter." },
} as const;

export class Kiosk {
  readonly #options: KioskOptions;
  #state: KioskState | null = null;
  #answering: AbortController | null = null;
  /** The question for news. */
  #asking: AbortController | null = null;
  #turn = 0;
  #shownAt = 0;
  #text = "";
  #isWriting = false;
  #notice = "";
  #time = "";
  #frame: NodeJS.Timeout | undefined;

  constructor(options: KioskOptions) {
    this.#options = options;
  }

  /** Runs until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const timer = setInterval(() => this.#tick(), tickMs);
    this.#tick();
    signal.addEventListener("abort", () => this.#asking?.abort(), { once: true });
    try {
      while (!signal.aborted) await this.#listen(signal);
    } finally {
      clearInterval(timer);
      clearTimeout(this.#frame);
      this.#answering?.abort();
    }
  }

  /** The next prompt of the template, the settings or the server. */
  next(): void {
    const { settings, language } = this.#options;
    const asked = { turn: this.#turn++, now: new Date(), language };
    const prompt = promptFor(settings, this.#state?.prompts ?? [], asked);
    this.#shownAt = Date.now();
    if (prompt !== null) void this.#answer(prompt);
  }

  /** Draws everything: the terminal has another size. */
  redraw(): void {
    this.#draw(false);
  }

  /** Hears once what the server wants shown. */
  async #listen(signal: AbortSignal): Promise<void> {
    const before = this.#state;
    try {
      const path = `/hearth/v1/kiosk${before ? `?after=${before.number}` : ""}`;
      // Its own signal: Node keeps what each request adds to one.
      this.#asking = new AbortController();
      const wanted = { method: "GET", path, limitMs: newsLimitMs, signal: this.#asking.signal } as const;
      const { status, text } = await this.#options.client.ask(wanted);
      if (status !== 200) throw refusal(status, text);
      const news = JSON.parse(text) as KioskState;
      this.#state = news;
      this.#setNotice("");
      if (!before) return this.next();
      if (news.version !== before.version) this.#options.onNewVersion();
      if (news.number !== before.number) this.#showNews(news);
    } catch (error) {
      if (signal.aborted) return;
      this.#setNotice(this.#wordsFor(error));
      await sleep(retryMs, undefined, { signal }).catch(() => {});
    }
  }

  #showNews({ prompt, text }: KioskState): void {
    if (prompt !== null) return void this.#answer(prompt);
    if (text === null) return;
    this.#answering?.abort();
    this.#answering = null;
    this.#show(text, false);
    this.#options.face.piece(this.#text, null);
  }

  async #answer(prompt: string): Promise<void> {
    this.#answering?.abort();
    const asked = new AbortController();
    this.#answering = asked;
    this.#shownAt = Date.now();
    const { model, instructions, maxTokens } = this.#options.settings;
    const fields = { model, input: prompt, max_output_tokens: maxTokens };
    const request = { ...fields, ...(instructions !== "" && { instructions }) };
    while (!asked.signal.aborted) {
      try {
        const isShown = await this.#typeOut(request, asked.signal);
        if (isShown && !asked.signal.aborted) this.#options.face.piece(this.#text, prompt);
        break;
      } catch (error) {
        if (asked.signal.aborted) return;
        this.#isWriting = false;
        this.#setNotice(this.#wordsFor(error));
        // An answer that went with the daemon is asked for anew; one that the daemon refuses has to wait for its next time.
        if (!(error instanceof HearthError) || error.code !== "DAEMON_UNREACHABLE") break;
        await sleep(retryMs, undefined, { signal: asked.signal }).catch(() => {});
      }
    }
    if (this.#answering !== asked) return;
    this.#answering = null;
    this.#isWriting = false;
    this.#shownAt = Date.now();
    this.#draw(false);
  }

  /** Resolves with whether there was anything to show. */
  async #typeOut(request: object, signal: AbortSignal): Promise<boolean> {
    let written = "";
    for await (const event of daemonAnswer(this.#options.client, request, signal)) {
      if (signal.aborted) break;
      if (event.type === "waiting") this.#setNotice(event.why);
      if (event.type !== "text") continue;
      written += event.text;
      // The text before stays until there is something to take its place.
      if (written.trim() !== "") this.#show(written, true);
    }
    return written.trim() !== "";
  }

  #show(written: string, isWriting: boolean): void {
    this.#text = shownText(written);
    this.#isWriting = isWriting;
    this.#notice = "";
    this.#shownAt = Date.now();
    this.#frame ??= setTimeout(() => {
      this.#frame = undefined;
      this.#draw(false);
    }, frameMs);
  }

  #setNotice(words: string): void {
    if (this.#notice === words) return;
    this.#notice = words;
    this.#draw(false);
  }

  #wordsFor(error: unknown): string {
    const isOwn = error instanceof HearthError && error.code !== "DAEMON_UNREACHABLE";
    if (!isOwn) return notices[this.#options.language].connection;
    return [error.message, error.advice].join(" ").trim();
  }

  #draw(isNewMinute: boolean): void {
    const now = new Date();
    const { settings, face, language } = this.#options;
    const view: KioskView = {
      time: timeText(now, language, true),
      date: dateText(now, language),
      text: this.#text,
      isWriting: this.#isWriting,
      notice: this.#notice,
      isClock: settings.template === "clock" && this.#text === "",
      drift: driftAt(Math.floor(now.getTime() / minuteMs)),
    };
    const isDark = settings.theme === "night" || (settings.theme === "auto" && isNight(now));
    face.show(view, isDark, isNewMinute);
  }

  /** Once a second: the clock, and whether it is time for something else. */
  #tick(): void {
    const time = timeText(new Date(), this.#options.language, true);
    const isNewMinute = time !== this.#time;
    this.#time = time;
    if (isNewMinute) this.#draw(true);
    const everyMs = this.#options.settings.everyMs ?? this.#state?.every_ms ?? dayMs;
    if (this.#answering !== null || this.#state === null) return;
    if (Date.now() - this.#shownAt > everyMs) this.next();
  }
}
