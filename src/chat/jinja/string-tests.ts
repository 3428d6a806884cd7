/** The is...() methods of str, by the properties that Unicode gives to characters. */
import { isPrintable } from "./display.js";
import { typeError } from "./errors.js";
import type { Method } from "./methods.js";
import { isCased, isSpace } from "./text.js";
import { type Markup, rawStr, type Value } from "./values.js";

const letter = /^\p{L}$/u;
const decimal = /^\p{Nd}$/u;
// Numeric_Type=Digit beside the decimal digits: superscripts, subscripts and digits in circles.
const digitLike =
  /^[\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792]$/u;
const numeral = /^[\p{N}零〇一二三四五六七八九十百千万億兆壱弐参拾]$/u;
const upper = /^\p{Uppercase}$/u;
const lower = /^\p{Lowercase}$/u;
const title = /^\p{Lt}$/u;

const isDigit = (char: string) => decimal.test(char) || digitLike.test(char);
const isNumeric = (char: string) => numeral.test(char);

const every =
  (test: (char: string) => boolean) =>
  (text: string): boolean => {
    for (const char of text) if (!test(char)) return false;
    return text !== "";
  };

/** Every cased character is of that case, and there is one. */
const cased =
  (other: RegExp) =>
  (text: string): boolean => {
    let found = false;
    for (const char of text) {
      if (other.test(char) || title.test(char)) return false;
      found ||= isCased(char);
    }
    return found;
  };

export const isLower = cased(upper);
export const isUpper = cased(lower);

function isTitle(text: string): boolean {
  let found = false;
  let afterCased = false;
  for (const char of text) {
    if (upper.test(char) || title.test(char)) {
      if (afterCased) return false;
      found = afterCased = true;
    } else if (lower.test(char)) {
      if (!afterCased) return false;
    } else afterCased = false;
  }
  return found;
}

export const isIdentifier = (text: string): boolean => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text);

const tests: Record<string, (text: string) => boolean> = {
  isalpha: every((char) => letter.test(char)),
  isdecimal: every((char) => decimal.test(char)),
  isdigit: every(isDigit),
  isnumeric: every(isNumeric),
  isalnum: every((char) => letter.test(char) || isDigit(char) || isNumeric(char)),
  isspace: every(isSpace),
  isprintable: (text) => text === "" || every(isPrintable)(text),
  isascii: (text) => !/[^\0-\x7f]/.test(text),
  islower: isLower,
  isupper: isUpper,
  istitle: isTitle,
  isidentifier: isIdentifier,
};

export const predicates: readonly [string, Method][] = Object.entries(tests).map(([name, test]) => [
  name,
  (self: Value, args: readonly Value[], kwargs) => {
    if (args.length + kwargs.size > 0) throw typeError(`str.${name}() takes no arguments (${args.length} given)`);
    return test(rawStr(self as string | Markup));
  },
]);
