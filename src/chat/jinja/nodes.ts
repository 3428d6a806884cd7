/** A template as a tree: expressions and statements, each with its line. */
import type { Value } from "./values.js";

export interface Call {
  readonly args: readonly Expression[];
  readonly kwargs: readonly (readonly [string, Expression])[];
  readonly dynArgs: Expression | null;
  readonly dynKwargs: Expression | null;
}

export type Expression = { readonly line: number } & (
  | { readonly kind: "const"; readonly value: Value }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list" | "tuple" | "concat"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly items: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "attribute"; readonly node: Expression; readonly name: string }
  | { readonly kind: "item"; readonly node: Expression; readonly key: Expression }
  | {
      readonly kind: "slice";
      readonly start: Expression | null;
      readonly stop: Expression | null;
      readonly step: Expression | null;
    }
  | { readonly kind: "call"; readonly node: Expression; readonly call: Call }
  | { readonly kind: "filter"; readonly node: Expression | null; readonly name: string; readonly call: Call }
  | { readonly kind: "test"; readonly node: Expression; readonly name: string; readonly call: Call }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "unary"; readonly operator: "+" | "-"; readonly node: Expression }
  | { readonly kind: "not"; readonly node: Expression }
  | { readonly kind: "compare"; readonly node: Expression; readonly rest: readonly (readonly [string, Expression])[] }
  | {
      readonly kind: "condition";
      readonly test: Expression;
      readonly whenTrue: Expression;
      readonly otherwise: Expression | null;
    }
);

export type Target = { readonly line: number } & (
  | { readonly kind: "store"; readonly name: string }
  | { readonly kind: "namespace"; readonly name: string; readonly attribute: string }
  | { readonly kind: "tuple"; readonly items: readonly Target[] }
);

/** The parameters of a macro or a call block. */
export interface Signature {
  readonly parameters: readonly string[];
  /** The default values of the last parameters. */
  readonly defaults: readonly Expression[];
}

export type FilterNode = Extract<Expression, { kind: "filter" }>;

export type Statement = { readonly line: number } & (
  | { readonly kind: "data"; readonly text: string }
  | { readonly kind: "output"; readonly node: Expression }
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: "setBlock";
      readonly target: Target;
      readonly filter: FilterNode | null;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "for";
      readonly target: Target;
      readonly iter: Expression;
      readonly test: Expression | null;
      readonly recursive: boolean;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: "if";
      /** With the elifs' that follow. */
      readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: "with";
      readonly values: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
    }
  | { readonly kind: "autoescape"; readonly value: Expression; readonly body: readonly Statement[] }
  | {
      readonly kind: "block";
      readonly name: string;
      readonly scoped: boolean;
      readonly required: boolean;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "macro";
      readonly name: string;
      readonly signature: Signature;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "callBlock";
      readonly signature: Signature;
      readonly call: Extract<Expression, { kind: "call" }>;
      readonly body: readonly Statement[];
    }
  | { readonly kind: "filterBlock"; readonly filter: FilterNode; readonly body: readonly Statement[] }
  | { readonly kind: "generation"; readonly body: readonly Statement[] }
  /** include, import, from and extends: of other templates, which a chat template has none of. */
  | { readonly kind: "load"; readonly node: Expression }
  | { readonly kind: "break" | "continue" }
);
