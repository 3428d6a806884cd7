/** Filters that know of HTML, or act otherwise where it is escaped: safe, escape, join, replace, urlize and their like. */
import { intArgument, textArgument } from "./arguments.js";
import { attributeGetter } from "./attribute-path.js";
import { budget } from "./budget.js";
import { Dict } from "./dict.js";
import { quoted, str } from "./display.js";
import type { Environment, Filter } from "./environment.js";
import { typeError, valueError } from "./errors.js";
import { filter } from "./filter-table.js";
import { escapeHtml, stripTags } from "./html.js";
import { iterate, truthy } from "./iterate.js";
import { joinTexts } from "./string-methods.js";
import { callMethod, soft } from "./text-filters.js";
import { urlize } from "./urlize.js";
import { isStr, Markup, rawStr, typeName, Undefined, type Value } from "./values.js";

function join(
  value: Value,
  [by = "", attribute = null]: readonly (Value | undefined)[],
  { autoescape }: Environment,
): Value {
  const get = attributeGetter(attribute);
  const items: Value[] = [];
  for (const item of iterate(value)) {
    items.push(get(item));
    budget().step();
    if (items.length % 1024 === 0) budget().list(items.length);
  }
  if (!autoescape) return joinTexts(str(by), items.map(str));
  const isMarkup = by instanceof Markup || items.some((item) => item instanceof Markup);
  if (!isMarkup) return joinTexts(str(by), items.map(str));
  return new Markup(joinTexts(escapeHtml(by), items.map(escapeHtml)));
}

function replace(value: Value, args: readonly (Value | undefined)[], { autoescape }: Environment): Value {
  const [old = "", by = "", count = null] = args;
  const most = count ?? -1;
  if (!autoescape) return callMethod(str(value), "replace", [str(old), str(by), most]);
  const isHtml = old instanceof Markup || (by instanceof Markup && !(value instanceof Markup));
  return callMethod(isHtml ? new Markup(escapeHtml(value)) : soft(value), "replace", [soft(old), soft(by), most]);
}

function xmlAttributes(
  value: Value,
  [space = true]: readonly (Value | undefined)[],
  { autoescape }: Environment,
): Value {
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value)}' object has no attribute 'items'`);
  const items: string[] = [];
  for (const [key, item] of value.entries()) {
    if (item === null || item instanceof Undefined) continue;
    const name = textArgument(key, "attribute name");
    if (/[ \t\n\r\f\v/>=]/.test(name)) throw valueError(`Invalid character in attribute name: ${quoted(name)}`);
    items.push(`${escapeHtml(key)}="${escapeHtml(item)}"`);
  }
  const joined = joinTexts(" ", items);
  const text = truthy(space) && joined !== "" ? ` ${joined}` : joined;
  return autoescape ? new Markup(text) : text;
}

function linked(value: Value, args: readonly (Value | undefined)[], { autoescape }: Environment): Value {
  const [limit = null, nofollow = false, target = null, rel = null, schemes = null] = args;
  const rels = new Set([...(rel === null ? [] : str(rel).split(/\s+/)), "noopener"].filter((each) => each !== ""));
  if (truthy(nofollow)) rels.add("nofollow");
  const extra = schemes === null ? [] : [...iterate(schemes)].map((each) => textArgument(each, "scheme"));
  const wrong = extra.find((scheme) => !/^[\p{L}\p{N}_.+-]{2,}:\/{0,2}$/u.test(scheme));
  if (wrong !== undefined) throw valueError(`${quoted(wrong)} is not a valid URI scheme prefix.`);
  const text = urlize(escapeHtml(value), {
    limit: limit === null ? null : intArgument(limit),
    rel: [...rels].sort().join(" "),
    target: target === null ? null : str(target),
    schemes: extra,
  });
  return autoescape ? new Markup(text) : text;
}

const escaping = (name: string) => filter(name, "", (value) => new Markup(escapeHtml(value)));

export const markupFilters: readonly [string, Filter][] = [
  filter("join", "d attribute", join),
  filter("replace", "old! new! count", replace),
  filter("safe", "", (value) => (value instanceof Markup ? value : new Markup(str(value)))),
  escaping("escape"),
  escaping("e"),
  filter("forceescape", "", (value) => new Markup(escapeHtml(isStr(value) ? rawStr(value) : value))),
  filter("striptags", "", (value) => stripTags(str(value))),
  filter("xmlattr", "autospace", xmlAttributes),
  filter("urlize", "trim_url_limit nofollow target rel extra_schemes", linked),
];
