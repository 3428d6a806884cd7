/** Templates made by chance from Jinja2's expressions, filters, tests, methods and statements; the same ones for a seed. */

export class RandomTemplate {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  #next(below: number): number {
    // xorshift32
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#next(items.length)] as T;
  }

  template(): string {
    let text = "";
    for (let i = this.#next(3) + 1; i > 0; i--) text += this.#statement(2);
    return text;
  }

  #statement(depth: number): string {
    if (depth === 0 || this.#next(3) === 0) return `${this.#pick(["", " ", "\n", "a\n  ", "  "])}${this.#output()}`;
    const dash = () => this.#pick(["", "", "", "-", "+"]);
    const tag = (text: string) => `{%${dash()} ${text} ${this.#pick(["", "", "-"])}%}`;
    const body = () => this.#statement(depth - 1);
    switch (this.#next(9)) {
      case 0:
        return `${tag(`for x in ${this.expression(2)}`)}${body()}{{ loop.${this.#pick(loopNames)} }}${tag("endfor")}`;
      case 1:
        return `${tag(`for x in l if ${this.expression(1)}`)}${body()}${tag("else")}none${tag("endfor")}`;
      case 2:
        return `${tag(`if ${this.expression(2)}`)}${body()}${tag("else")}${body()}${tag("endif")}`;
      case 3:
        return `${tag(`set x = ${this.expression(2)}`)}${body()}`;
      case 4:
        return `${tag("set x")}${body()}${tag("endset")}{{ x }}`;
      case 5:
        return `${tag(`with x = ${this.expression(2)}`)}${body()}${tag("endwith")}`;
      case 6:
        return `${tag(`filter ${this.#pick(["upper", "trim", "indent", "title", "replace('a', 'b')"])}`)}${body()}${tag("endfilter")}`;
      case 7:
        return `${tag(`macro m(x, y=${this.expression(1)})`)}${body()}${tag("endmacro")}{{ m(${this.expression(1)}) }}`;
      default:
        return `${tag(`for k, v in ${this.#pick(["d.items()", "d|dictsort", "d|items", "dd.items()"])}`)}${body()}${tag("endfor")}`;
    }
  }

  #output(): string {
    return `{{${this.#pick(["", "", "-"])} ${this.expression(3)} ${this.#pick(["", "", "-"])}}}`;
  }

  expression(depth: number): string {
    if (depth === 0) return this.#atom();
    const part = () => this.expression(depth - 1);
    const bracketed = () => `(${part()})`;
    switch (this.#next(14)) {
      case 0:
        return `${bracketed()} ${this.#pick(["+", "-", "*", "/", "//", "%", "~", "**"])} ${bracketed()}`;
      case 1:
        return `${bracketed()} ${this.#pick(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])} ${bracketed()}`;
      case 2:
        return `${part()} ${this.#pick(["and", "or"])} ${part()}`;
      case 3:
        return `(${part()} if ${part()} else ${part()})`;
      case 4:
      case 5:
      case 6:
        return `${bracketed()}|${this.#pick(filters).replaceAll("$", () => this.expression(Math.min(1, depth - 1)))}`;
      case 7:
        return `${bracketed()} is ${this.#pick(["", "not "])}${this.#pick(tests).replaceAll("$", () => this.#atom())}`;
      case 8:
      case 9:
        return `${bracketed()}.${this.#pick(methods).replaceAll("$", () => this.expression(Math.min(1, depth - 1)))}`;
      case 10:
        return `${bracketed()}[${this.#pick(["0", "-1", "1:", ":-1", "::2", "::-1", "1:3", "'b'", "-2:", part()])}]`;
      case 11:
        return `[${part()}, ${part()}]`;
      case 12:
        return `{${this.#atom()}: ${part()}}`;
      default:
        return this.#pick(["not ", "-", "+", ""]) + bracketed();
    }
  }

  #atom(): string {
    return this.#pick(atoms);
  }
}

const loopNames = ["index", "index0", "revindex", "first", "last", "length", "previtem", "nextitem", "depth"];

const atoms = [
  ...["l", "d", "s", "n", "f", "emo", "none", "true", "false", "missing", "dd", "nested", "objs", "big", "fl", "x"],
  ...[
    "0",
    "1",
    "2",
    "-3",
    "7",
    "10",
    "1.5",
    "0.1",
    "2.5",
    "1e3",
    "''",
    "'a'",
    "'b'",
    "'Hello'",
    "' a b '",
    "'1'",
    "'3.7'",
  ],
  ...[
    "[]",
    "[1, 2, 3]",
    "['b', 'a']",
    "()",
    "(1, 'a')",
    "{}",
    "{'b': 1}",
    "range(4)",
    "'%s'",
    "'<b>'",
    '"it\'s"',
    "'a\\nb'",
  ],
  ...[
    "objs[0]",
    "messages[1].content",
    "messages",
    "tools",
    "'é'",
    "'ß'",
    "1.0",
    "100",
    "'x,y'",
    "3.14159",
    "messages[0].role",
  ],
];

const filters = [
  ...["upper", "lower", "title", "capitalize", "trim", "trim($)", "length", "count", "first", "last", "list", "sort"],
  ...[
    "reverse",
    "reverse|list",
    "join",
    "join(',')",
    "join($)",
    "default($)",
    "default($, true)",
    "d($)",
    "int",
    "float",
  ],
  ...["int($)", "round", "round(1)", "round($)", "abs", "string", "tojson", "tojson(indent=2)", "replace($, $)"],
  ...["replace('a', 'b', 1)", "unique|list", "min", "max", "sum", "batch(2)|list", "slice(2)|list", "items|list"],
  ...["dictsort", "indent", "indent(2, true)", "truncate(3)", "truncate(8, true, '')", "center(9)", "wordcount", "e"],
  ...[
    "escape",
    "safe",
    "striptags",
    "urlencode",
    "map('string')|list",
    "map('upper')|list",
    "select|list",
    "reject|list",
  ],
  ...[
    "select('string')|list",
    "select('odd')|list",
    "map(attribute='n')|list",
    "selectattr('n')|list",
    "format($)",
    "format($, $)",
  ],
  ...[
    "selectattr('v', '>', 1)|list",
    "rejectattr('g', 'eq', 'x')|list",
    "groupby('g')",
    "sort(attribute='n')",
    "sort(reverse=true)",
  ],
  ...[
    "attr('b')",
    "wordwrap(5)",
    "filesizeformat",
    "sum(start=$)",
    "select('in', $)|list",
    "map('length')|list",
    "pprint",
    "forceescape",
  ],
  ...[
    "xmlattr",
    "map('default', 'z')|list",
    "map('int')|list",
    "map('join', '-')|list",
    "tojson(sort_keys=true)",
    "dictsort(by='value')",
  ],
];

const tests = [
  ...[
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "integer",
    "float",
    "boolean",
    "mapping",
    "sequence",
    "iterable",
  ],
  ...[
    "odd",
    "even",
    "true",
    "false",
    "lower",
    "upper",
    "callable",
    "in($)",
    "eq($)",
    "divisibleby(2)",
    "sameas(none)",
    "gt($)",
  ],
  ...["escaped", "lt($)", "ne($)", "==($)", "filter", "test"],
];

const methods = [
  ...[
    "upper()",
    "lower()",
    "strip()",
    "strip($)",
    "lstrip('a')",
    "rstrip()",
    "split()",
    "split(',')",
    "split($)",
    "split(' ', 1)",
  ],
  ...[
    "rsplit(',', 1)",
    "join($)",
    "replace('a', 'b')",
    "replace($, $)",
    "startswith($)",
    "endswith('b')",
    "find($)",
    "count($)",
  ],
  ...[
    "title()",
    "capitalize()",
    "swapcase()",
    "isdigit()",
    "isalpha()",
    "isupper()",
    "zfill(5)",
    "center(7, '*')",
    "format($)",
  ],
  ...[
    "format($, $)",
    "partition(' ')",
    "splitlines()",
    "removeprefix('a')",
    "ljust(4)",
    "rjust(4)",
    "index($)",
    "expandtabs()",
  ],
  ...[
    "items()|list",
    "keys()|list",
    "values()|list",
    "get('b')",
    "get($, $)",
    "copy()",
    "b",
    "role",
    "n",
    "append(1)",
    "pop()",
  ],
  ...[
    "update($)",
    "casefold()",
    "isspace()",
    "istitle()",
    "rfind('a')",
    "rpartition('b')",
    "encode()",
    "bit_length()",
    "real",
  ],
];
