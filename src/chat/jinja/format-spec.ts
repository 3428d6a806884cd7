/** Python's format specifications, [[fill]align][sign][z][#][0][width][,][.precision][type], for text, ints and floats. */
import { budget } from "./budget.js";
import { str } from "./display.js";
import { typeError, valueError } from "./errors.js";
import { type FloatKind, floatDigits, generalDigits, grouped, inBase, isNegative } from "./format-number.js";
import { type Int, intText, toNumber } from "./numbers.js";
import { textLength, textSlice } from "./text.js";
import { Float, isInt, isStr, rawStr, typeName, type Value } from "./values.js";

interface Spec {
  readonly fill: string;
  readonly align: string;
  readonly sign: string;
  readonly alternate: boolean;
  readonly zero: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | null;
  readonly type: string;
}

const pattern = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([\s\S])?$/u;

export function formatValue(value: Value, text: string): string {
  const isNumber = typeof value === "boolean" || isInt(value) || value instanceof Float;
  if (text === "") return str(value);
  if (!isNumber && !isStr(value)) throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`);
  const spec = parse(text, value);
  if (isStr(value)) return formatText(rawStr(value), spec);
  return value instanceof Float
    ? formatFloat(value.value, spec, "float")
    : formatInt(isInt(value) ? value : Number(value), spec);
}

function parse(text: string, value: Value): Spec {
  const match = pattern.exec(text);
  if (!match) {
    throw valueError(`Invalid format specifier '${text.slice(0, 200)}' for object of type '${typeName(value)}'`);
  }
  const [, fill, align, sign = "", , alternate, zero, width, grouping = "", precision, type = ""] = match;
  const digits = width === undefined ? 0 : Number(width);
  if (digits > Number.MAX_SAFE_INTEGER) throw valueError("Too many decimal digits in format string");
  return {
    fill: fill ?? (zero && !align ? "0" : zero && align && fill === undefined ? "0" : " "),
    align: align ?? (zero ? "=" : ""),
    sign,
    alternate: alternate !== undefined,
    zero: zero !== undefined,
    width: digits,
    grouping,
    precision: precision === undefined ? null : Number(precision),
    type,
  };
}

const unknown = (type: string, name: string): Error =>
  valueError(`Unknown format code '${type}' for object of type '${name}'`);

function formatText(text: string, spec: Spec): string {
  if (spec.type !== "" && spec.type !== "s") throw unknown(spec.type, "str");
  if (spec.sign !== "") throw valueError("Sign not allowed in string format specifier");
  if (spec.alternate) throw valueError("Alternate form (#) not allowed in string format specifier");
  if (spec.grouping !== "") throw valueError(`Cannot specify '${spec.grouping}' with 's'.`);
  const isZeroed = spec.zero && spec.align === "="; // a 0 before the width fills, and texts stay on the left
  if (spec.align === "=" && !isZeroed) throw valueError("'=' alignment not allowed in string format specifier");
  const cut = spec.precision === null ? text : textSlice(text, 0, spec.precision);
  return aligned("", cut, { ...spec, align: isZeroed || spec.align === "" ? "<" : spec.align });
}

const bases: Readonly<Record<string, readonly [number, string]>> = {
  b: [2, "0b"],
  o: [8, "0o"],
  x: [16, "0x"],
  X: [16, "0X"],
};

function formatInt(value: Int, spec: Spec): string {
  const { type } = spec;
  if (type !== "" && "eEfFgG%".includes(type)) return formatFloat(toNumber(value), spec, "int");
  if (spec.precision !== null) throw valueError("Precision not allowed in integer format specifier");
  if (type === "c") {
    if (spec.sign !== "") throw valueError("Sign not allowed with integer format specifier 'c'");
    if (value < 0 || value > 0x10ffff) throw valueError("%c arg not in range(0x110000)");
    return aligned("", String.fromCodePoint(Number(value)), { ...spec, align: spec.align || "<" });
  }
  const [base, prefix] = bases[type] ?? [10, ""];
  if (base === 10 && !["", "d", "n"].includes(type)) throw unknown(type, "int");
  if (spec.grouping === "," && base !== 10) throw valueError(`Cannot specify ',' with '${type}'.`);
  const digits = base === 10 ? intText(value).replace("-", "") : inBase(value, base);
  const cased = type === "X" ? digits.toUpperCase() : digits;
  return number(value < 0, spec.alternate ? prefix : "", cased, spec, base === 10 ? 3 : 4);
}

function formatFloat(value: number, spec: Spec, name: string): string {
  const { type, precision, alternate } = spec;
  let digits: string;
  if (type === "") digits = generalDigits(value, precision);
  else if (type === "%") {
    const percent = value * 100;
    digits = `${floatDigits(Number.isFinite(percent) ? percent : value, "f", precision ?? 6, alternate)}%`;
  } else if ("eEfFgGn".includes(type)) {
    const kind = (type === "n" ? "g" : type.toLowerCase()) as FloatKind;
    digits = floatDigits(value, kind, precision ?? 6, alternate);
    if (type !== type.toLowerCase()) digits = digits.toUpperCase();
  } else throw unknown(type, name);
  return number(isNegative(value), "", digits, spec, 3);
}

function number(negative: boolean, prefix: string, digits: string, spec: Spec, groupSize: number): string {
  const sign = negative ? "-" : spec.sign === "-" ? "" : spec.sign;
  const head = sign + prefix;
  let text = digits;
  if (spec.grouping !== "" && /^\d|^[0-9a-f]/i.test(digits) && digits !== "inf" && digits !== "nan") {
    text = grouped(digits, spec.grouping, groupSize);
    if (spec.fill === "0" && spec.align === "=") {
      budget().text(spec.width);
      // Zeros are grouped, too, and no separator comes first.
      for (let zeros = digits; head.length + text.length < spec.width; ) {
        zeros = `0${zeros}`;
        text = grouped(zeros, spec.grouping, groupSize);
        budget().step();
      }
    }
  }
  return aligned(head, text, { ...spec, align: spec.align || ">" });
}

function aligned(head: string, text: string, { fill, align, width }: Spec): string {
  const missing = width - textLength(head + text);
  if (missing <= 0) return head + text;
  budget().text(width);
  if (align === "=") return head + fill.repeat(missing) + text;
  const before = align === "<" ? 0 : align === "^" ? Math.floor(missing / 2) : missing;
  return fill.repeat(before) + head + text + fill.repeat(missing - before);
}
