/**
 * What a chat template finds beside the messages: the globals that transformers gives it. Our own, because the Jinja
 * engine's range() has no bound and its dates speak the system's language.
 */

const maxRange = 100_000;

/** Throws what `raise_exception` is told, and for a range of more than 100,000 numbers. */
export function templateGlobals(now: () => Date): Record<string, unknown> {
  return {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    strftime_now: (format: unknown) => strftime(String(format), now()),
  };
}

/** Python's range(); as an array, which would fill the memory before a timeout could stop the template. */
function range(first: number, second?: number | null, step = 1): number[] {
  const [start, stop] = second === undefined || second === null ? [0, first] : [first, second];
  if (step === 0) throw new Error("range() needs a step that is not zero");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= maxRange)) throw new Error(`range() of more than ${maxRange} numbers`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ["January", "February", "March", "April", "May", "June"],
  ["July", "August", "September", "October", "November", "December"],
].flat();

/** The directives of Python's strftime that dates in prompts use, in English; others stay as they are. */
function strftime(format: string, date: Date): string {
  const padded = (value: number, width = 2) => String(value).padStart(width, "0");
  const day = days[date.getDay()] ?? "";
  const month = months[date.getMonth()] ?? "";
  const values: Readonly<Record<string, string>> = {
    "%Y": padded(date.getFullYear(), 4),
    "%y": padded(date.getFullYear() % 100),
    "%m": padded(date.getMonth() + 1),
    "%d": padded(date.getDate()),
    "%H": padded(date.getHours()),
    "%I": padded(date.getHours() % 12 || 12),
    "%M": padded(date.getMinutes()),
    "%S": padded(date.getSeconds()),
    "%p": date.getHours() < 12 ? "AM" : "PM",
    "%A": day,
    "%a": day.slice(0, 3),
    "%B": month,
    "%b": month.slice(0, 3),
    "%%": "%",
  };
  return format.replace(/%./g, (directive) => values[directive] ?? directive);
}
