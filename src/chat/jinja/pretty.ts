/** pprint.pformat(): on one line where it fits, else an element a line; dicts by their keys. */
import { budget } from "./budget.js";
import { ordered } from "./compare.js";
import { Dict } from "./dict.js";
import { repr } from "./display.js";
import { JinjaError } from "./errors.js";
import { textLength } from "./text.js";
import { Tuple, type Value } from "./values.js";

const width = 80;

export const prettyText = (value: Value): string => format(value, 0, 0);

/** `indent`: of the value's first line; `allowance`: what follows behind the value on its last line. */
function format(value: Value, indent: number, allowance: number): string {
  const short = line(value);
  if (textLength(short) <= width - indent - allowance) return short;
  budget().text(indent);
  const inner = indent + 1;
  const separator = `,\n${" ".repeat(inner)}`;
  if (value instanceof Dict) {
    const entries = sortedEntries(value);
    const lines = entries.map(([key, item], i) => {
      const name = `${line(key)}: `;
      return name + format(item, inner + textLength(name), i === entries.length - 1 ? allowance + 1 : 1);
    });
    return `{${lines.join(separator)}}`;
  }
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  if (!items) return short;
  const lines = items.map((item, i) => format(item, inner, i === items.length - 1 ? allowance + 1 : 1));
  if (Array.isArray(value)) return `[${lines.join(separator)}]`;
  return `(${lines.join(separator)}${items.length === 1 ? "," : ""})`;
}

function line(value: Value): string {
  budget().step();
  if (value instanceof Dict) {
    const text = sortedEntries(value)
      .map(([key, item]) => `${line(key)}: ${line(item)}`)
      .join(", ");
    budget().text(text.length);
    return `{${text}}`;
  }
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  if (!items) return repr(value);
  const text = items.map(line).join(", ");
  budget().text(text.length);
  if (Array.isArray(value)) return `[${text}]`;
  return `(${text}${items.length === 1 ? "," : ""})`;
}

/** Keys of different types go by the names of their types. */
function sortedEntries(dict: Dict): [Value, Value][] {
  return [...dict.entries()].sort(([a], [b]) => {
    try {
      return ordered("<", a, b) ? -1 : ordered("<", b, a) ? 1 : 0;
    } catch (error) {
      if (!(error instanceof JinjaError)) throw error;
      return typeof a < typeof b ? -1 : 1;
    }
  });
}
