/**
 * The kiosk: asks the server what to show, has prompts answered on a timer, at a touch or when the home says so, and types the answers
 * out. Holds one answer at a time in one text node, so that it can stay open for months.
 */
import "./kiosk.css";
import { dateText, timeText } from "../../kiosk/calendar.js";
import { driftAt, isNight, promptFor, settingsOf } from "../../kiosk/settings.js";
import { enoughText, type KioskState, newsLimitMs, retryMs, shownText } from "../../kiosk/shown.js";
import { isOver } from "../common/answer.js";
import { ApiError, ask } from "../common/client.js";
import { endOf } from "../common/growing-text.js";
import { randomId } from "../common/ids.js";
import { takeKeyFromAddress } from "../common/key.js";
import { AnswerRun } from "../common/run.js";
import { Socket } from "../common/socket.js";
import { applyLanguage, t } from "../common/texts.js";

const minuteMs = 60_000;
const dayMs = 86_400_000;

takeKeyFromAddress();
const language = applyLanguage();
const settings = settingsOf(location.search);
const element = (id: string) => document.getElementById(id) ?? document.body;
const text = element("text");
const words = text.appendChild(document.createTextNode(""));
const socket = new Socket(() => {});
const startedAt = Date.now();

let state: KioskState | null = null;
let run: AnswerRun | null = null;
let turn = 0;
let shownAt = 0;
let frame = 0;

document.documentElement.dataset.template = settings.template;
addEventListener("pointerdown", () => next());
addEventListener("keydown", () => next());
setInterval(tick, 1000);
tick();
void listen();

/** Hears what the server wants shown, for as long as the page is there. */
async function listen(): Promise<void> {
  for (;;) {
    try {
      const before = state;
      const news = await ask<KioskState>(
        "GET",
        `/hearth/v1/kiosk${before ? `?after=${before.number}` : ""}`,
        undefined,
        newsLimitMs,
      );
      // Browsers forget little by little what they should; once a day is often enough. Only now that the server has answered: a page
      // that is loaded while it is away is the browser's error page, and never comes back.
      const isOld = Date.now() - startedAt > dayMs && run === null;
      if (before && (news.version !== before.version || isOld)) return location.reload();
      state = news;
      notice("");
      if (before && news.number !== before.number) showNews(news);
      else if (!before) next();
    } catch (error) {
      const isKey = error instanceof ApiError && error.status === 401;
      notice(t(isKey ? "kioskKey" : "troubleConnection"));
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function showNews({ prompt, text: shown }: KioskState): void {
  if (prompt !== null) answer(prompt);
  if (shown === null || prompt !== null) return;
  // An answer on its way would write over it.
  run?.stop();
  run = null;
  show(shown);
}

/** The next prompt of the template, the address or the server. */
function next(): void {
  const prompt = promptFor(settings, state?.prompts ?? [], { turn: turn++, now: new Date(), language });
  shownAt = Date.now();
  if (prompt !== null) answer(prompt);
}

function answer(prompt: string): void {
  run?.stop();
  shownAt = Date.now();
  const { model, instructions, maxTokens } = settings;
  const request = {
    model,
    input: prompt,
    store: false,
    max_output_tokens: maxTokens,
    include: ["hearth.progress"], // so that a long prompt is no silence
    ...(instructions !== "" && { instructions }),
  };
  const asked = new AnswerRun(randomId(""), request, socket);
  run = asked;
  asked.subscribe(() => {
    if (run !== asked || frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (run === asked) showAnswer(asked);
    });
  });
  asked.start();
}

function showAnswer({ answer: { parts, status, error }, trouble }: AnswerRun): void {
  const written = parts.flatMap((part) => (part.kind === "text" ? [endOf(part.text, enoughText)] : [])).join("\n");
  notice(trouble === null ? (error?.message ?? "") : t("troubleConnection"));
  // The text before stays until there is something to take its place.
  if (written.trim() !== "") show(written, !isOver({ status }));
  if (isOver({ status })) {
    text.classList.remove("writing");
    shownAt = Date.now();
    run = null;
  }
}

function show(written: string, isWriting = false): void {
  const end = shownText(written);
  words.data = end;
  text.classList.toggle("writing", isWriting);
  // Type as large as the text allows.
  const size = Math.max(2.6, Math.min(8, 90 / Math.sqrt(Math.max(60, end.length))));
  text.style.setProperty("--size", `${size.toFixed(1)}vmin`);
  text.scrollTop = text.scrollHeight;
  shownAt = Date.now();
}

function notice(words: string): void {
  const place = element("notice");
  if (place.textContent !== words) place.textContent = words;
}

/** Once a second: the clock, day and night, the place on the screen, and whether it is time for something else. */
function tick(): void {
  const now = new Date();
  const time = timeText(now, language, true);
  if (element("time").textContent !== time) {
    element("time").textContent = time;
    element("date").textContent = dateText(now, language);
    const { x, y } = driftAt(Math.floor(now.getTime() / minuteMs));
    element("stage").style.translate = `${x}px ${y}px`;
    const isDark = settings.theme === "night" || (settings.theme === "auto" && isNight(now));
    document.documentElement.dataset.theme = isDark ? "night" : "day";
  }
  const everyMs = settings.everyMs ?? state?.every_ms ?? dayMs;
  if (run !== null || state === null) return;
  if (now.getTime() - shownAt > everyMs) next();
}
