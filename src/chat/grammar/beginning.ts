/**
 * The beginning of an answer: any text, but what begins as a call without its marks is held to be one as soon as it names a
 * tool. An automaton of what may stand up to there, beside that of the markers (free-text.ts): a rule for each pair of places.
 */
import { fence, fenceWords, jsonSpaces, separators, type Tags } from "../answers/wrappings.js";
import { single, type TextAutomaton } from "./free-text.js";
import { characterClass, type GrammarWriter } from "./gbnf.js";

export interface UnmarkedCalls {
  /** The rule for the text behind each tool's name, by the JSON that names the tool. */
  readonly afterNames: ReadonlyMap<string, string>;
  /** Tags that may stand around calls. */
  readonly tags: Tags;
  /** A brace that begins the answer begins a call, whatever follows: the family has no marks. */
  readonly isBare: boolean;
}

/** A place in what may stand before the rest of a call. */
interface Place {
  readonly next: Map<string, Place | { readonly rule: string }>;
  /** Nothing but a call can come any more. */
  readonly isSure: boolean;
}

export interface Beginnings {
  /** The rule of the beginning of an answer. */
  readonly start: string;
  /** The rule of what may follow a call. */
  readonly after: string;
}

/** Both go on as `text`. */
export function answerBeginnings(writer: GrammarWriter, text: TextAutomaton, calls: UnmarkedCalls): Beginnings {
  const names = new Map<Place, Map<string, string>>();
  const waiting: [place: Place, prefix: string, name: string][] = [];
  const nameOf = (place: Place, prefix: string): string => {
    const known = names.get(place)?.get(prefix);
    if (known !== undefined) return known;
    const name = writer.reserve("beginning");
    names.set(place, (names.get(place) ?? new Map()).set(prefix, name));
    waiting.push([place, prefix, name]);
    return name;
  };
  const { start, wrapped } = placesOf(calls);
  const rules = { start: nameOf(start, ""), after: nameOf(wrapped, "") };
  for (const [place, prefix, name] of waiting) {
    const targets = new Map<string, string[]>();
    for (const [unit, next] of place.next) {
      const target = "rule" in next ? next.rule : nameOf(next, text.next(prefix, unit));
      targets.set(target, [...(targets.get(target) ?? []), unit]);
    }
    const on = [...targets].map(([target, units]) => `${characterClass(units.map(single))} ${target}`);
    const others = place.isSure ? [] : ['""', ...text.steps(prefix, [...place.next.keys()]), text.silent(name)];
    writer.define(name, [...on, ...others].join(" | "));
  }
  return rules;
}

/** `wrapped`: within a block or tags, or behind a call. */
function placesOf(calls: UnmarkedCalls): { readonly start: Place; readonly wrapped: Place } {
  const start = newPlace();
  const wrapped = calls.isBare ? newPlace() : start; // where a brace is any brace
  const object = objectPlace(calls, false);
  spaces(start, start);
  spaces(wrapped, wrapped);
  const list = newPlace();
  spaces(list, list);
  list.next.set("{", object);
  for (const place of new Set([wrapped, start])) {
    place.next.set("{", place === start && calls.isBare ? objectPlace(calls, true) : object);
    place.next.set("[", list);
    for (const unit of ["]", ...separators]) place.next.set(unit, wrapped);
    for (const tag of [...calls.tags.opens, ...calls.tags.closes]) spell(place, tag, wrapped);
    const fenced = spell(place, fence);
    for (const word of fenceWords) {
      const behind = spell(fenced, word);
      for (const [unit, next] of wrapped.next) if (unit !== "`") behind.next.set(unit, next);
    }
  }
  return { start, wrapped };
}

/** Behind the brace, up to the tool's name. */
function objectPlace({ afterNames }: UnmarkedCalls, isSure: boolean): Place {
  const object = newPlace(isSure);
  spaces(object, object);
  const key = spell(object, '"name"');
  spaces(key, key);
  const value = spell(key, ":");
  spaces(value, value);
  for (const [name, rule] of afterNames) spell(value, name.slice(0, -1)).next.set(name.slice(-1), { rule });
  return object;
}

const newPlace = (isSure = false): Place => ({ next: new Map(), isSure });

function spaces(place: Place, to: Place): void {
  for (const unit of jsonSpaces) place.next.set(unit, to);
}

/** The place behind this text: a new one, or `end`. */
function spell(from: Place, text: string, end?: Place): Place {
  let place = from;
  const units = [...text];
  for (const [i, unit] of units.entries()) {
    const known = place.next.get(unit);
    const next = end && i === units.length - 1 ? end : known && !("rule" in known) ? known : newPlace(from.isSure);
    place.next.set(unit, next);
    place = next;
  }
  return place;
}
