/** Every text of the pages, in each language. `{name}` stands for a value. */
import { preferences } from "./preferences.js";

const en = {
  chats: "Chats",
  newChat: "New chat",
  searchChats: "Search chats",
  noChats: "No chats yet",
  nothingFound: "Nothing found",
  showChats: "Show chats",
  hideChats: "Hide chats",
  rename: "Rename",
  renameTo: "New name of the chat",
  delete: "Delete",
  deleteSure: "Delete “{title}” for good?",
  cancel: "Cancel",
  save: "Save",
  close: "Close",
  export: "Export all chats",
  exportOne: "Export this chat",
  import: "Import chats",
  importBad: "This file holds no chats.",
  untitled: "Untitled",
  message: "Message",
  messagePlaceholder: "Ask something",
  send: "Send",
  stop: "Stop",
  stopping: "Stopping",
  copy: "Copy",
  copied: "Copied",
  copyAnswer: "Copy the answer",
  edit: "Edit",
  retry: "Answer again",
  branch: "Version {n} of {total}",
  previousBranch: "Previous version",
  nextBranch: "Next version",
  you: "You",
  answer: "Answer",
  welcome: "What can I do for you?",
  welcomeNote: "Everything that you write stays on this machine.",
  settings: "Settings of this chat",
  model: "Model",
  defaultModel: "The server's model",
  loaded: "loaded",
  instructions: "System prompt",
  instructionsHint: "Who the model is and how it answers",
  sampling: "Sampling",
  temperature: "Temperature",
  topP: "Top-p",
  maxTokens: "Longest answer in tokens",
  seed: "Seed",
  reasoning: "Reasoning",
  reasoningAuto: "As the model likes",
  reasoningNone: "Off",
  reasoningLow: "Little",
  reasoningHigh: "Much",
  byServer: "as the model says",
  structured: "Structured output",
  schema: "JSON schema that answers have to match",
  schemaBad: "This is no JSON object.",
  tools: "Tools as a JSON array of functions",
  toolsBad: "This is no JSON array.",
  keep: "Where chats are kept",
  keepServer: "On the server, the same on all your devices",
  keepBrowser: "In this browser only",
  keepNote: "Chats that are there already stay where they are.",
  appearance: "Appearance",
  theme: "Colours",
  themeSystem: "As the device",
  themeLight: "Light",
  themeDark: "Dark",
  language: "Language",
  keyTitle: "This server wants a key",
  keyText:
    "Make one with “hearth key create NAME --link” on the server and open the link that it prints, or type the key here.",
  keyLabel: "Key",
  keyRefused: "The server does not know this key.",
  keyUse: "Use this key",
  thought: "Thought for {time}",
  thoughts: "Thoughts",
  thinking: "Thinking",
  call: "Calls {name}",
  callResult: "Result of {name}",
  sendResults: "Send the results",
  waiting: "Asking",
  queued: "Waiting: place {n} in the queue",
  reading: "Reading the prompt: {read} of {total} tokens",
  readingLeft: "Reading the prompt: {read} of {total} tokens, about {time} left",
  writing: "Writing",
  elsewhere: "Is being answered",
  cancelled: "Stopped",
  incomplete: "The answer reached its longest length.",
  failed: "That went wrong: {reason}",
  lost: "The server lost this answer several times.",
  troubleConnection: "No connection to the server. Goes on by itself.",
  troubleBusy: "The server is busy. Goes on by itself.",
  troubleLoading: "The model is being loaded. Goes on by itself.",
  unreachable: "The server does not answer.",
  notReady: "The server is not ready: {reason}",
  notSaved: "Not saved yet",
  figures: "{tokens} tokens, {speed} a second, first after {first}",
  figuresShort: "{tokens} tokens",
  figuresCached: "{cached} of {input} prompt tokens were known already",
  toEnd: "To the newest message",
  answerDone: "The answer is done.",
  dismiss: "Dismiss",
  seconds: "{n} s",
  minutes: "{n} min",
  status: "Status",
  toChat: "Chat",
  isReady: "Ready to answer",
  statusKey: "The figures need a key: open the chat with a link of “hearth key create NAME --link” first.",
  speed: "Speed",
  perSecond: "{n} tokens/s",
  speedChart: "Tokens a second since this page was opened, an hour at most",
  speedNote: "Since this page was opened, an hour at most; the dashed line is {top} tokens a second.",
  work: "Work",
  running: "Answers being written",
  inQueue: "Waiting",
  clients: "Open WebSockets",
  written: "Tokens written",
  read: "Tokens of prompts",
  foundAgain: "Of these known already",
  boardTemperature: "Temperature",
  memory: "Memory",
  memoryFile: "Model files, which the system can take back",
  memoryOwn: "Held",
  models: "Models",
  load: "Load",
  loadingNow: "Loading",
  kioskKey: "This kiosk needs a key: open it with a link of “hearth key create NAME --link”, with /kiosk before the #.",
} as const;

export type TextName = keyof typeof en;

const de: Readonly<Record<TextName, string>> = {
  chats: "Chats",
  newChat: "Neuer Chat",
  searchChats: "Chats durchsuchen",
  noChats: "Noch keine Chats",
  nothingFound: "Nichts gefunden",
  showChats: "Chats zeigen",
  hideChats: "Chats verbergen",
  rename: "Umbenennen",
  renameTo: "Neuer Name des Chats",
  delete: "Löschen",
  deleteSure: "„{title}“ endgültig löschen?",
  cancel: "Abbrechen",
  save: "Speichern",
  close: "Schließen",
  export: "Alle Chats exportieren",
  exportOne: "Diesen Chat exportieren",
  import: "Chats importieren",
  importBad: "Diese Datei enthält keine Chats.",
  untitled: "Ohne Titel",
  message: "Nachricht",
  messagePlaceholder: "Frag etwas",
  send: "Senden",
  stop: "Anhalten",
  stopping: "Hält an",
  copy: "Kopieren",
  copied: "Kopiert",
  copyAnswer: "Antwort kopieren",
  edit: "Bearbeiten",
  retry: "Noch einmal antworten",
  branch: "Fassung {n} von {total}",
  previousBranch: "Vorige Fassung",
  nextBranch: "Nächste Fassung",
  you: "Du",
  answer: "Antwort",
  welcome: "Was kann ich für dich tun?",
  welcomeNote: "Alles, was du schreibst, bleibt auf diesem Gerät.",
  settings: "Einstellungen dieses Chats",
  model: "Modell",
  defaultModel: "Das Modell des Servers",
  loaded: "geladen",
  instructions: "Systemprompt",
  instructionsHint: "Wer das Modell ist und wie es antwortet",
  sampling: "Auswahl der Wörter",
  temperature: "Temperatur",
  topP: "Top-p",
  maxTokens: "Längste Antwort in Token",
  seed: "Startwert",
  reasoning: "Nachdenken",
  reasoningAuto: "Wie das Modell will",
  reasoningNone: "Aus",
  reasoningLow: "Wenig",
  reasoningHigh: "Viel",
  byServer: "wie das Modell sagt",
  structured: "Strukturierte Ausgabe",
  schema: "JSON-Schema, dem Antworten genügen müssen",
  schemaBad: "Das ist kein JSON-Objekt.",
  tools: "Werkzeuge als JSON-Liste von Funktionen",
  toolsBad: "Das ist keine JSON-Liste.",
  keep: "Wo Chats bleiben",
  keepServer: "Auf dem Server, auf allen deinen Geräten gleich",
  keepBrowser: "Nur in diesem Browser",
  keepNote: "Chats, die schon da sind, bleiben, wo sie sind.",
  appearance: "Aussehen",
  theme: "Farben",
  themeSystem: "Wie das Gerät",
  themeLight: "Hell",
  themeDark: "Dunkel",
  language: "Sprache",
  keyTitle: "Dieser Server verlangt einen Schlüssel",
  keyText:
    "Mach einen mit „hearth key create NAME --link“ auf dem Server und öffne den Link, den das ausgibt, oder gib den Schlüssel hier ein.",
  keyLabel: "Schlüssel",
  keyRefused: "Der Server kennt diesen Schlüssel nicht.",
  keyUse: "Diesen Schlüssel nehmen",
  thought: "Hat {time} nachgedacht",
  thoughts: "Gedanken",
  thinking: "Denkt nach",
  call: "Ruft {name} auf",
  callResult: "Ergebnis von {name}",
  sendResults: "Ergebnisse senden",
  waiting: "Fragt",
  queued: "Wartet: Platz {n} in der Schlange",
  reading: "Liest den Prompt: {read} von {total} Token",
  readingLeft: "Liest den Prompt: {read} von {total} Token, noch etwa {time}",
  writing: "Schreibt",
  elsewhere: "Wird gerade beantwortet",
  cancelled: "Angehalten",
  incomplete: "Die Antwort hat ihre größte Länge erreicht.",
  failed: "Das ging schief: {reason}",
  lost: "Der Server hat diese Antwort mehrmals verloren.",
  troubleConnection: "Keine Verbindung zum Server. Es geht von selbst weiter.",
  troubleBusy: "Der Server hat viel zu tun. Es geht von selbst weiter.",
  troubleLoading: "Das Modell wird geladen. Es geht von selbst weiter.",
  unreachable: "Der Server antwortet nicht.",
  notReady: "Der Server ist nicht bereit: {reason}",
  notSaved: "Noch nicht gespeichert",
  figures: "{tokens} Token, {speed} je Sekunde, das erste nach {first}",
  figuresShort: "{tokens} Token",
  figuresCached: "{cached} von {input} Token des Prompts waren schon bekannt",
  toEnd: "Zur neuesten Nachricht",
  answerDone: "Die Antwort ist fertig.",
  dismiss: "Ausblenden",
  seconds: "{n} s",
  minutes: "{n} min",
  status: "Status",
  toChat: "Chat",
  isReady: "Bereit zu antworten",
  statusKey:
    "Die Zahlen verlangen einen Schlüssel: öffne erst den Chat mit einem Link von „hearth key create NAME --link“.",
  speed: "Geschwindigkeit",
  perSecond: "{n} Token/s",
  speedChart: "Token je Sekunde, seit diese Seite offen ist, höchstens eine Stunde",
  speedNote: "Seit diese Seite offen ist, höchstens eine Stunde; die gestrichelte Linie ist {top} Token je Sekunde.",
  work: "Arbeit",
  running: "Antworten in Arbeit",
  inQueue: "Wartend",
  clients: "Offene WebSockets",
  written: "Geschriebene Token",
  read: "Token von Prompts",
  foundAgain: "Davon schon bekannt",
  boardTemperature: "Temperatur",
  memory: "Speicher",
  memoryFile: "Modelldateien, die das System zurücknehmen kann",
  memoryOwn: "Belegt",
  models: "Modelle",
  load: "Laden",
  loadingNow: "Wird geladen",
  kioskKey:
    "Dieser Kiosk braucht einen Schlüssel: öffne ihn mit einem Link von „hearth key create NAME --link“, mit /kiosk vor dem #.",
};

export const languages = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof languages;
const texts: Readonly<Record<Language, Readonly<Record<TextName, string>>>> = { en, de };

export const isLanguage = (name: string | null): name is Language => name !== null && name in texts;

/** The language that was chosen on this device, or the first of the browser's that there is. */
function chooseLanguage(): Language {
  const chosen = preferences.get("language");
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((name) => name.slice(0, 2)).find(isLanguage) ?? "en";
}

let language: Language = "en";

/** To be called before anything is shown. */
export function applyLanguage(): Language {
  language = chooseLanguage();
  document.documentElement.lang = language;
  return language;
}

export function t(name: TextName, values: Readonly<Record<string, string | number>> = {}): string {
  return texts[language][name].replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

export function isTextName(name: string): name is TextName {
  return name in en;
}

export function formatNumber(value: number, digits = 0): string {
  return value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** `0.4 s`, `12 s`, `3 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return t("seconds", { n: formatNumber(seconds, 1) });
  if (seconds < 90) return t("seconds", { n: formatNumber(Math.round(seconds)) });
  return t("minutes", { n: formatNumber(Math.round(seconds / 60)) });
}

/** Decimal units, as files and disks have them. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${formatNumber(value, power > 0 && value < 10 ? 1 : 0)} ${units[power]}`;
}

export function formatDay(secondsSince1970: number): string {
  const date = new Date(secondsSince1970 * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(
    language,
    isToday ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" },
  );
}
