/** Python's strftime in the C locale, of a local date. */
import { budget } from "./budget.js";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ["January", "February", "March", "April", "May", "June"],
  ["July", "August", "September", "October", "November", "December"],
].flat();

const padded = (value: number, width = 2, fill = "0"): string => String(value).padStart(width, fill);

const directives: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => padded(date.getFullYear() % 100),
  C: (date) => padded(Math.floor(date.getFullYear() / 100)),
  m: (date) => padded(date.getMonth() + 1),
  d: (date) => padded(date.getDate()),
  e: (date) => padded(date.getDate(), 2, " "),
  j: (date) => padded(dayOfYear(date), 3),
  H: (date) => padded(date.getHours()),
  k: (date) => padded(date.getHours(), 2, " "),
  I: (date) => padded(date.getHours() % 12 || 12),
  l: (date) => padded(date.getHours() % 12 || 12, 2, " "),
  M: (date) => padded(date.getMinutes()),
  S: (date) => padded(date.getSeconds()),
  f: (date) => padded(date.getMilliseconds() * 1000, 6),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  P: (date) => (date.getHours() < 12 ? "am" : "pm"),
  A: (date) => days[date.getDay()] ?? "",
  a: (date) => (days[date.getDay()] ?? "").slice(0, 3),
  B: (date) => months[date.getMonth()] ?? "",
  b: (date) => (months[date.getMonth()] ?? "").slice(0, 3),
  h: (date) => (months[date.getMonth()] ?? "").slice(0, 3),
  w: (date) => String(date.getDay()),
  u: (date) => String(date.getDay() || 7),
  U: (date) => padded(Math.floor((dayOfYear(date) + 6 - date.getDay()) / 7)),
  W: (date) => padded(Math.floor((dayOfYear(date) + 6 - ((date.getDay() + 6) % 7)) / 7)),
  V: (date) => padded(isoWeek(date).week),
  G: (date) => String(isoWeek(date).year),
  g: (date) => padded(isoWeek(date).year % 100),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  D: (date) => strftime("%m/%d/%y", date),
  x: (date) => strftime("%m/%d/%y", date),
  F: (date) => strftime("%Y-%m-%d", date),
  T: (date) => strftime("%H:%M:%S", date),
  X: (date) => strftime("%H:%M:%S", date),
  R: (date) => strftime("%H:%M", date),
  r: (date) => strftime("%I:%M:%S %p", date),
  c: (date) => strftime("%a %b %e %H:%M:%S %Y", date),
  // A date without a time zone has neither its offset nor its name.
  z: () => "",
  Z: () => "",
  n: () => "\n",
  t: () => "\t",
  "%": () => "%",
};

/** Directives that are not known stay as they are. */
export function strftime(format: string, date: Date): string {
  budget().text(format.length * 8);
  return format.replace(/%([-_0^#]?)([a-zA-Z%])/g, (whole, flag: string, name: string) => {
    const value = Object.hasOwn(directives, name) ? directives[name]?.(date) : undefined;
    if (value === undefined) return whole;
    if (flag === "-") return value.replace(/^[0 ]+(?=\d)/, "");
    if (flag === "_") return value.replace(/^0+(?=\d)/, (zeros) => " ".repeat(zeros.length));
    return flag === "^" ? value.toUpperCase() : value;
  });
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000 + 1;
}

/** Weeks begin on Mondays, and the first one has the year's first Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 3 - ((date.getDay() + 6) % 7));
  return { year: thursday.getFullYear(), week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 };
}
