/** Notations of values: JSON, the Python of LFM2, the braces of Gemma, and bare texts between tags. All as GBNF. */
import {
  gemmaClose,
  gemmaKey,
  gemmaQuote,
  gemmaText,
  pythonKey,
  pythonText,
  xmlTags,
  xmlValueEnds,
} from "../answers/written-values.js";
import { enclosedText } from "./free-text.js";
import { characterClass, choice, type GrammarWriter, jsonLiteral, literal, type Range } from "./gbnf.js";
import type { Pattern } from "./pattern.js";
import { anyText, jsonSpelling, patternTextWithin, plainSpelling, type Spelling, without } from "./strings.js";

/** The texts that a string may be. */
export interface Text {
  readonly least: number;
  readonly most: number;
  readonly pattern: Pattern | null;
}

/** How the members of an object stand beside each other. */
export interface Members {
  /** Between two of them. */
  readonly comma: string;
  /** Behind the last of them, where there is one. */
  readonly end: string;
  /** `key` is an expression that one of the following made. */
  member(key: string, value: string): string;
  /** null: such a key cannot be written. */
  key(name: string): string | null;
  /** A key that is such a text. */
  keyOf(text: Text): string | null;
  /** A key of plain characters: what stands around it, which characters it may have, and whether it may be empty. */
  readonly plainKey: {
    readonly around: (text: string) => string;
    readonly ranges: readonly Range[];
    readonly mayBeEmpty: boolean;
  };
}

export interface Notation extends Members {
  readonly true: string;
  readonly false: string;
  readonly null: string;
  /** The white space that may stand behind opening brackets; `comma` and `end` are those of lists, too. */
  readonly space: string;
  /** null where such a text cannot be written, or its pattern and length are too much together. */
  string(text: Text): string | null;
  /** One value; null where it cannot be written. */
  literal(value: unknown): string | null;
}

const unlimited = Number.POSITIVE_INFINITY;
export const anyTextAtAll: Text = { least: 0, most: unlimited, pattern: null };

/** A space, or a new line that is indented by an even number of them: by two or four as JSON is printed, at most by 32. */
const spaceRule = '" "? | "\\n" "  "{0,16}';
const plainRanges: readonly Range[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0x80, 0x10ffff],
];

function spelled(writer: GrammarWriter, spelling: Spelling, { least, most, pattern }: Text): string | null {
  return pattern ? patternTextWithin(writer, spelling, pattern, { least, most }) : anyText(spelling, least, most);
}

/**
 * White space is what models write: one line, or indented. None stands before a comma or a colon, where some models never
 * come to the end of it.
 */
export function jsonNotation(writer: GrammarWriter): Notation {
  const space = writer.rule("space", spaceRule);
  const string = (text: Text) => {
    const inner = spelled(writer, jsonSpelling, text);
    return inner === null ? null : writer.rule("string", `"\\"" ${inner} "\\""`);
  };
  return {
    ...{ true: '"true"', false: '"false"', null: '"null"' },
    space,
    comma: `"," ${space}`,
    end: space,
    member: (key, value) => `${key} ":" " "? ${value}`,
    key: jsonLiteral,
    keyOf: string,
    plainKey: { around: (text) => `"\\"" ${text} "\\""`, ranges: plainRanges, mayBeEmpty: true },
    string,
    literal: jsonLiteral,
  };
}

/** Literals of Python. A string of JSON is one too. */
export function pythonNotation(writer: GrammarWriter): Notation {
  return {
    ...jsonNotation(writer),
    ...{ true: '"True"', false: '"False"', null: '"None"' },
    literal: (value) => literal(pythonText(value)),
  };
}

/** Between the parentheses of a call: `key=value, key=value`. */
export function pythonArguments(python: Notation): Members {
  return {
    ...python,
    comma: '"," " "?',
    end: '""',
    member: (key, value) => `${key} "=" ${value}`,
    key: (name) => literal(pythonKey(name)),
    keyOf: (text) => orBare(text, "[A-Za-z_] [A-Za-z0-9_]*", python.string(text)),
  };
}

const codes = (characters: string): number[] => [...characters].map((character) => character.codePointAt(0) ?? 0);
/** The characters of Gemma's keys without quotes. */
const keyRanges = without([[0x21, 0x7e]], codes(':{}[],<>|"'));

/** A key that may be any may also come without quotes. */
function orBare(text: Text, bare: string, quoted: string | null): string | null {
  return text.pattern || text.least > 1 || text.most < unlimited ? quoted : choice([bare, quoted ?? bare]);
}

/** `quote`: the expression of Gemma's quote; `quoteTokens`: the control tokens of that text. */
export function gemmaNotation(writer: GrammarWriter, quote: string, quoteTokens: readonly number[]): Notation {
  const free = enclosedText(writer, { text: gemmaQuote, tokens: quoteTokens }, [gemmaClose]);
  const bare: BareText = { spelling: plainSpelling(...codes("<")), free, end: quote };
  const quoted = (text: string) => text.split(gemmaQuote).map(literal).join(` ${quote} `);
  const string = (text: Text) => {
    const inner = bareText(writer, bare, text);
    return inner === null ? null : writer.rule("string", `${quote} ${inner}`);
  };
  return {
    ...{ true: '"true"', false: '"false"', null: '"null"' },
    space: '""',
    comma: '","',
    end: '""',
    member: (key, value) => `${key} ":" ${value}`,
    key: (name) => (name.includes(gemmaQuote) ? null : quoted(gemmaKey(name))),
    keyOf: (text) => orBare(text, `${characterClass(keyRanges)}+`, string(text)),
    plainKey: { around: (text) => text, ranges: keyRanges, mayBeEmpty: false },
    string,
    literal: (value) => (mentions(value, gemmaQuote) || mentions(value, gemmaClose) ? null : quoted(gemmaText(value))),
  };
}

const endOfValue = `\n${xmlTags.parameterClose}`;

/** Texts between the tags of a parameter, the closing one included. */
export function xmlTexts(writer: GrammarWriter): Notation {
  const free = `${enclosedText(writer, { text: endOfValue, tokens: [] }, xmlValueEnds)} ${literal("\n")}`;
  const end = literal(`${endOfValue}\n`);
  const bare: BareText = { spelling: plainSpelling(...codes("<")), free, end };
  return {
    ...jsonNotation(writer),
    string: (text) => bareText(writer, bare, text),
    literal: (value) => {
      const isWritable = typeof value === "string" && !xmlValueEnds.some((tag) => value.includes(tag));
      return isWritable ? literal(`${value}${endOfValue}\n`) : null;
    },
  };
}

/** JSON between such tags, also with Python's words, as templates write them. */
export function xmlJson(writer: GrammarWriter): Notation {
  return {
    ...jsonNotation(writer),
    ...{ true: '("true" | "True")', false: '("false" | "False")', null: '("null" | "None")' },
  };
}

/** `<parameter=KEY>` before each value; what ends a value belongs to it. */
export function xmlParameters(writer: GrammarWriter): Members {
  const open = literal(xmlTags.parameterOpen);
  const spelling = plainSpelling(...codes("<>\n"));
  const around = (text: string) => `${open} ${text} ${literal(">\n")}`;
  return {
    comma: "",
    end: '""',
    member: (key, value) => `${key} ${value}`,
    key: (name) => (/[<>\n]/.test(name) ? null : literal(`${xmlTags.parameterOpen}${name}>\n`)),
    keyOf: (text) => {
      const inner = spelled(writer, spelling, text);
      return inner === null ? null : around(inner);
    },
    plainKey: { around, ranges: without(plainRanges, codes("<>")), mayBeEmpty: true },
  };
}

/** The text behind a value that is JSON. */
export const xmlValueEnd = literal(`${endOfValue}\n`);

interface BareText {
  /** Without what could begin its end. */
  readonly spelling: Spelling;
  /** Any text, with its end. */
  readonly free: string;
  readonly end: string;
}

/** A text without quotes, with its end. */
function bareText(writer: GrammarWriter, { spelling, free, end }: BareText, text: Text): string | null {
  const { least, most, pattern } = text;
  if (!pattern && most === unlimited) {
    return least === 0 ? free : `${anyText(spelling, least, least)} ${free}`;
  }
  const inner = spelled(writer, spelling, text);
  return inner === null ? null : `${inner} ${end}`;
}

/** Whether a text stands in a string of the value. */
function mentions(value: unknown, text: string): boolean {
  return JSON.stringify(value).includes(JSON.stringify(text).slice(1, -1));
}
