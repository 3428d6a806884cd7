/** Items of a list beside each other: of one kind after those of a prefix, or different ones of a few. Pure. */
import type { GrammarWriter } from "./gbnf.js";
import { bounds, type Length } from "./strings.js";

/** The texts between items, and behind the last one. */
export interface ListSpacing {
  readonly comma: string;
  readonly end: string;
}

/** `first` ones before any number of `rest`; null when there is no such list. */
export function listOf(
  { comma, end }: ListSpacing,
  first: readonly (string | null)[],
  rest: string | null,
  { least, most }: Length,
): string | null {
  const impossible = first.indexOf(null);
  const possible = (impossible < 0 ? first : first.slice(0, impossible)) as string[];
  const repeated = impossible < 0 ? rest : null;
  const limit = repeated === null ? Math.min(most, possible.length) : most;
  if (least > limit) return null;
  const fixed = possible.slice(0, Math.min(limit, possible.length));
  const restLimit = limit - fixed.length;
  let tail = fixed.length > 0 ? end : '""';
  if (repeated !== null && restLimit > 0) {
    const restLeast = Math.max(0, least - fixed.length);
    if (fixed.length > 0) tail = `(${comma} ${repeated})${bounds(restLeast, restLimit)} ${end}`;
    else {
      const others = restLimit > 1 ? ` (${comma} ${repeated})${bounds(Math.max(0, restLeast - 1), restLimit - 1)}` : "";
      tail = `(${repeated}${others} ${end})${restLeast > 0 ? "" : "?"}`;
    }
  }
  for (let i = fixed.length - 1; i >= 0; i--) {
    const own = `${i > 0 ? `${comma} ` : ""}${fixed[i]} ${tail}`;
    tail = i < least ? own : i > 0 ? `(${own} | ${end})` : `(${own})?`;
  }
  return tail;
}

/** Items that may come in any order: there is a rule for each set of them. */
const maxFreeOrder = 6;
const maxRules = 5000;

/**
 * Lists in which none of these items comes twice; beyond six they come in this order. null when there is no such list, and
 * `tooMany` where it would take too many rules.
 */
export function differentItems(
  writer: GrammarWriter,
  spacing: ListSpacing,
  items: readonly string[],
  { least, most }: Length,
): string | null | typeof tooMany {
  const length = { least, most: Math.min(most, items.length) };
  if (least > items.length) return null;
  if (items.length <= maxFreeOrder) return subsets(writer, spacing, items, length);
  const counted = length.most < items.length ? length.most : Math.max(1, least);
  return items.length * counted > maxRules ? tooMany : subsequences(writer, spacing, items, length);
}

export const tooMany = Symbol("too many rules");

function subsets(
  writer: GrammarWriter,
  spacing: ListSpacing,
  items: readonly string[],
  { least, most }: Length,
): string {
  const names = new Map<number, string>(); // by the set of those that came
  const after = (came: number, count: number): string => {
    const known = names.get(came);
    if (known !== undefined) return known;
    const name = writer.reserve("items");
    names.set(came, name);
    const left = count < most ? items.map((item, i) => ({ item, bit: 1 << i })) : [];
    const more = left
      .filter(({ bit }) => (came & bit) === 0)
      .map(({ item, bit }) => `${next(spacing, item, count)} ${after(came | bit, count + 1)}`);
    writer.define(name, [...(count >= least ? [endAfter(spacing, count)] : []), ...more].join(" | "));
    return name;
  };
  return after(0, 0);
}

function subsequences(
  writer: GrammarWriter,
  spacing: ListSpacing,
  items: readonly string[],
  { least, most }: Length,
): string {
  // Beyond this many items the count says nothing more.
  const counted = most < items.length ? most : Math.max(1, least);
  // The items that may follow when `count` came and those before the current one are over; from the last one backwards.
  let after: readonly string[] = Array.from({ length: counted + 1 }, (_, count) =>
    count >= least ? endAfter(spacing, count) : "[]",
  );
  for (const item of [...items].reverse()) {
    after = after.map((without, count) => {
      if (count === most) return without;
      const withIt = after[Math.min(count + 1, counted)] ?? "[]";
      return writer.rule("items", `${next(spacing, item, count)} ${withIt} | ${without}`);
    });
  }
  return after[0] ?? '""';
}

function next({ comma }: ListSpacing, item: string, count: number): string {
  return `${count === 0 ? "" : comma} ${item}`;
}

const endAfter = ({ end }: ListSpacing, count: number) => (count === 0 ? '""' : end);
