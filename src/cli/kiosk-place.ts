/** The place that a kiosk writes to: a terminal, whole and without a cursor, or plain text where nobody can draw. */
import { constants, createWriteStream, open } from "node:fs";
import { isatty, ReadStream, WriteStream } from "node:tty";
import { promisify } from "node:util";
import type { KioskFace } from "./kiosk-loop.js";
import { KioskScreen } from "./kiosk-screen.js";
import { safeJson, safeText } from "./safe-text.js";

export interface KioskPlace {
  readonly face: KioskFace;
  /** A key was pressed: somebody wants another text. Never where there are no keys. */
  onKey(action: () => void): void;
  onResize(action: () => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

export interface PlaceOptions {
  /** null: standard output. */
  readonly path: string | null;
  readonly json: boolean;
  /** Whoever watches wants no more: Ctrl-C or q was pressed, or the reader of a pipe went away. */
  readonly onEnd: () => void;
}

/** Another terminal than one's own sends no signal when its size changes. */
const sizeMs = 1000;

/** Throws the system's error where the path cannot be written to. A pipe is waited for until somebody reads it. */
export async function openPlace({ path, json, onEnd }: PlaceOptions): Promise<KioskPlace> {
  if (path === null) {
    if (!process.stdout.isTTY || json) return plainPlace(process.stdout, json, onEnd);
    return terminalPlace(process.stdout, process.stdin.isTTY ? process.stdin : null, onEnd);
  }
  // Opened on a thread, for a serial line may wait for its other end, and never as the terminal of this process.
  const opened = promisify(open);
  const fd = await opened(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY);
  if (!isatty(fd) || json) return plainPlace(createWriteStream(path, { fd }), json, onEnd);
  const keys = new ReadStream(await opened(path, constants.O_RDONLY | constants.O_NOCTTY));
  return terminalPlace(new WriteStream(fd), keys, onEnd);
}

function terminalPlace(out: WriteStream, keys: ReadStream | null, onEnd: () => void): KioskPlace {
  const hasColours = !process.env.NO_COLOR && out.hasColors(16);
  const screen = new KioskScreen(out, { hasColours, isLinuxConsole: process.env.TERM === "linux" });
  out.on("error", onEnd);
  screen.start();
  // Typed letters must not stand in the picture.
  keys?.setRawMode(true);
  let timer: NodeJS.Timeout | undefined;
  return {
    face: {
      show: (view, isNight, isNewMinute) => screen.show(view, isNight, isNewMinute),
      piece: () => {},
    },
    onKey(action) {
      keys?.on("error", onEnd).on("end", onEnd);
      keys?.on("data", (pressed) => (ends(String(pressed)) ? onEnd() : action()));
    },
    onResize(action) {
      out.on("resize", action);
      if (out !== process.stdout) timer = setInterval(() => refreshSize(out), sizeMs);
    },
    close() {
      clearInterval(timer);
      screen.stop();
      keys?.setRawMode(false);
      keys?.pause();
    },
  };
}

/** Ctrl-C, which is a key here, or q. */
function ends(pressed: string): boolean {
  return pressed.includes("\x03") || pressed.includes("q");
}

/** Node reads the size of other terminals only when they are opened; the method that reads it again has no other name. */
function refreshSize(out: WriteStream): void {
  const { _refreshSize: refresh } = out as WriteStream & { _refreshSize?: () => void };
  refresh?.call(out);
}

/** One text a paragraph, when it is whole; with `json` an object a line. Trouble is told on standard error, once. */
function plainPlace(out: NodeJS.WritableStream, json: boolean, onEnd: () => void): KioskPlace {
  let told = "";
  out.on("error", onEnd);
  return {
    face: {
      show({ notice, isClock, time, date }, _isNight, isNewMinute) {
        if (isClock && isNewMinute) write(out, json, { time, date }, `${time}  ${date}`);
        if (notice !== "" && notice !== told) process.stderr.write(`hearth: ${safeText(notice)}\n`);
        told = notice;
      },
      piece: (text, prompt) => write(out, json, { prompt, text }, text),
    },
    onKey() {},
    onResize() {},
    close() {},
  };
}

function write(out: NodeJS.WritableStream, json: boolean, value: object, text: string): void {
  const paragraph = safeText(text).replace(/\n\s*\n/g, "\n");
  out.write(json ? `${safeJson(value)}\n` : `${paragraph}\n\n`);
}
