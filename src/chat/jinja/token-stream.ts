/** The tokens of a template in the parser's hands, and how messages name them. */
import { JinjaError } from "./errors.js";
import type { Token, TokenType } from "./lexer.js";

const words: Partial<Record<TokenType, string>> = {
  data: "template data / text",
  variable_begin: "begin of print statement",
  variable_end: "end of print statement",
  block_begin: "begin of statement block",
  block_end: "end of statement block",
  eof: "end of template",
};

const end: Token = { type: "eof", text: "", line: 1 };

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#at] ?? this.#tokens.at(-1) ?? end;
  }

  look(): Token {
    return this.#tokens[this.#at + 1] ?? end;
  }

  next(): Token {
    const token = this.current;
    this.#at++;
    return token;
  }

  is(type: TokenType, text?: string): boolean {
    const { current } = this;
    return current.type === type && (text === undefined || current.text === text);
  }

  isOperator(text: string): boolean {
    return this.is("operator", text);
  }

  skipIf(type: TokenType, text: string): boolean {
    const found = this.is(type, text);
    if (found) this.#at++;
    return found;
  }

  expect(type: TokenType, text?: string): Token {
    if (this.is(type, text)) return this.next();
    const wanted = text ?? words[type] ?? type;
    if (this.is("eof")) throw this.error(`unexpected end of template, expected '${wanted}'.`);
    throw this.error(`expected token '${wanted}', got '${describe(this.current)}'`);
  }

  error(message: string, line = this.current.line): JinjaError {
    return new JinjaError("TemplateSyntaxError", message, line);
  }
}

export function describe(token: Token): string {
  if (token.type === "name" || token.type === "operator") return token.text;
  return words[token.type] ?? token.type;
}
