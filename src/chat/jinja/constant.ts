/** Expressions whose value Jinja2 works out when it compiles a template: they name nothing and call nothing. */
import type { Call, Expression } from "./nodes.js";

export function isConstant(node: Expression | null): boolean {
  switch (node?.kind) {
    case undefined:
    case "const":
      return true;
    case "list":
    case "tuple":
    case "concat":
      return node.items.every(isConstant);
    case "dict":
      return node.items.flat().every(isConstant);
    case "item":
      return isConstant(node.node) && isConstant(node.key);
    case "slice":
      return isConstant(node.start) && isConstant(node.stop) && isConstant(node.step);
    case "unary":
    case "not":
      return isConstant(node.node);
    case "and":
    case "or":
    case "binary":
      return isConstant(node.left) && isConstant(node.right);
    case "compare":
      return isConstant(node.node) && node.rest.every(([, operand]) => isConstant(operand));
    case "condition":
      return isConstant(node.test) && isConstant(node.whenTrue) && isConstant(node.otherwise);
    case "filter":
    case "test":
      return isConstant(node.node) && hasConstants(node.call);
    default:
      return false;
  }
}

const hasConstants = ({ args, kwargs, dynArgs, dynKwargs }: Call): boolean =>
  [...args, ...kwargs.map(([, value]) => value)].every(isConstant) && isConstant(dynArgs) && isConstant(dynKwargs);
