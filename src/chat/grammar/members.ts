/** Members of an object beside each other: in their order or in any, with others that the schema does not name. Pure. */

import { characterClass, type GrammarWriter, literal, type Range } from "./gbnf.js";
import type { ListSpacing } from "./lists.js";
import { anyTextAtAll, type Members } from "./notation.js";
import { without } from "./strings.js";

export interface Member {
  /** The expression of its key and value. */
  readonly expression: string;
  readonly key: string;
  readonly required: boolean;
}

/** Properties that may come in any order: there is a rule for each set of them. */
const maxFreeOrder = 6;

export function mayComeInAnyOrder(declared: readonly Member[]): boolean {
  return declared.length <= maxFreeOrder;
}

/** Each once; of `leastOne`, where there are any, at least one. */
export function inAnyOrder(
  writer: GrammarWriter,
  { comma, end }: ListSpacing,
  declared: readonly Member[],
  leastOne: readonly string[] = [],
): string {
  const wanted = declared.reduce((set, { key }, i) => (leastOne.includes(key) ? set | (1 << i) : set), 0);
  const names = new Map<number, string>(); // by the set of those that came
  const after = (came: number): string => {
    const known = names.get(came);
    if (known !== undefined) return known;
    const name = writer.reserve("members");
    names.set(came, name);
    const left = declared.map((member, i) => ({ ...member, bit: 1 << i })).filter(({ bit }) => (came & bit) === 0);
    const more = left.map(({ expression, bit }) => `${came === 0 ? "" : comma} ${expression} ${after(came | bit)}`);
    const mayEnd = left.every(({ required }) => !required) && (wanted === 0 || (came & wanted) !== 0);
    writer.define(name, [...(mayEnd ? [came === 0 ? '""' : end] : []), ...more].join(" | "));
    return name;
  };
  return after(0);
}

/** In their order, then any number of `additional` ones (null for none); of `leastOne`, where there are any, at least one. */
export function inOrder(
  writer: GrammarWriter,
  { comma, end }: ListSpacing,
  declared: readonly Member[],
  additional: string | null,
  leastOne: readonly string[] = [],
): string {
  const more = additional === null ? end : `(${comma} ${additional})* ${end}`;
  const none = additional === null ? '""' : `(${additional} ${more})?`;
  const isWanted = ({ key }: Member) => leastOne.includes(key);
  // The members that may follow some, and none: once when one of the wanted came, and once when none did.
  let satisfied: Rests = { afterSome: more, afterNone: none };
  let unsatisfied: Rests = declared.some(isWanted) ? { afterSome: null, afterNone: null } : satisfied;
  for (const member of [...declared].reverse()) {
    const before = (rests: Rests): Rests => {
      const { afterSome: tail } = isWanted(member) ? satisfied : rests;
      const { expression, required } = member;
      const it = tail === null ? null : tail === '""' ? expression : `${expression} ${tail}`;
      return {
        afterSome: eitherRule(writer, "more", it === null ? null : `${comma} ${it}`, required ? null : rests.afterSome),
        afterNone: eitherRule(writer, "members", it, required ? null : rests.afterNone),
      };
    };
    const next = before(satisfied);
    unsatisfied = unsatisfied === satisfied ? next : before(unsatisfied);
    satisfied = next;
  }
  return unsatisfied.afterNone ?? "[]";
}

/** null: there is no way to go on. */
interface Rests {
  readonly afterSome: string | null;
  readonly afterNone: string | null;
}

/** A rule for both, since both go into the next pair of expressions. */
function eitherRule(writer: GrammarWriter, name: string, a: string | null, b: string | null): string | null {
  if (a === null && b === null) return null;
  return writer.rule(name, a === null || b === null ? `${a ?? b}` : `(${a} | ${b})`);
}

/** A key that is none of the declared ones. */
export function otherKeyOrAny(writer: GrammarWriter, members: Members, declared: readonly Member[]): string | null {
  return declared.length > 0
    ? otherKey(
        writer,
        members,
        declared.map(({ key }) => key),
      )
    : members.keyOf(anyTextAtAll);
}

/** Their tree, left at every turn. Without escapes, so that none is spelled otherwise. */
function otherKey(writer: GrammarWriter, { plainKey }: Members, keys: readonly string[]): string {
  const { around, ranges, mayBeEmpty } = plainKey;
  const rest = writer.rule("key-rest", `${characterClass(ranges)}*`);
  const differing = (suffixes: readonly string[], isStart: boolean): string => {
    const units = new Map<string, string[]>();
    for (const suffix of suffixes) {
      const [unit] = [...suffix];
      if (unit !== undefined) units.set(unit, [...(units.get(unit) ?? []), suffix.slice(unit.length)]);
    }
    const taken = [...units.keys()].map((unit) => unit.codePointAt(0) ?? 0);
    const alternatives = [...units].map(([unit, rests]) => `${literal(unit)} ${differing(rests, false)}`);
    const mayEnd = !suffixes.includes("") && (mayBeEmpty || !isStart);
    return writer.rule(
      "key",
      [...(mayEnd ? ['""'] : []), ...alternatives, `${otherThan(ranges, taken)} ${rest}`].join(" | "),
    );
  };
  return around(differing(keys, true));
}

function otherThan(ranges: readonly Range[], taken: readonly number[]): string {
  return characterClass(without(ranges, taken));
}
