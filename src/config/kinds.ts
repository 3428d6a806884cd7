/**
 * The kinds of option: what text and TOML values each takes, and how it says what it expects.
 * Knows nothing of particular options or of where a value came from.
 */

export interface Kind<T> {
  /** Completes "expected ...": "an integer from 1 to 64 (slots)". */
  readonly expects: string;
  /** The value, or undefined when `raw` is not one. `raw` is a TOML value, or text from the environment or a flag. */
  read(raw: unknown): T | undefined;
  /** The value in the notation of a configuration file. */
  show(value: T): string;
}

/** HOST:PORT to listen on; port 0 takes any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export function integer(min: number, max: number, unit: string): Kind<number> {
  return {
    expects: `an integer from ${min} to ${max} (${unit})`,
    read(raw) {
      const value = typeof raw === "string" && /^[+-]?\d{1,15}$/.test(raw) ? Number(raw) : raw;
      return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
    },
    show: String,
  };
}

export function boolean(): Kind<boolean> {
  return {
    expects: "true or false",
    read(raw) {
      if (typeof raw === "boolean") return raw;
      return raw === "true" ? true : raw === "false" ? false : undefined;
    },
    show: String,
  };
}

export function choice<const Values extends readonly string[]>(values: Values): Kind<Values[number]> {
  return {
    expects: `one of ${values.join(", ")}`,
    read: (raw) => values.find((value) => value === raw),
    show: (value) => JSON.stringify(value),
  };
}

/** Text of one line. `pattern` has to match all of it; `expects` says in words what it matches. */
export function text(expects = "text", pattern = /^[^\p{Cc}]{0,4096}$/u): Kind<string> {
  return {
    expects,
    read: (raw) => (typeof raw === "string" && pattern.test(raw) ? raw : undefined),
    show: (value) => JSON.stringify(value),
  };
}

/** A TOML array, or text with commas between the items. */
export function list(item: Kind<string>): Kind<readonly string[]> {
  return {
    expects: `a list, each item ${item.expects}`,
    read(raw) {
      const items = typeof raw === "string" ? splitAtCommas(raw) : raw;
      if (!Array.isArray(items)) return undefined;
      const values = items.map((each) => item.read(each));
      return values.every((value) => value !== undefined) ? Object.freeze(values) : undefined;
    },
    show: (values) => `[${values.map((value) => JSON.stringify(value)).join(", ")}]`,
  };
}

export function address(): Kind<Address> {
  return {
    expects: "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:11434 or [::]:11434",
    read(raw) {
      const match = typeof raw === "string" ? /^(?:\[([0-9a-fA-F:.%\w]+)\]|([\w.-]+)):(\d{1,5})$/.exec(raw) : null;
      const host = match?.[1] ?? match?.[2];
      const port = Number(match?.[3]);
      return host !== undefined && port <= 65535 ? Object.freeze({ host, port }) : undefined;
    },
    show: (value) => JSON.stringify(formatAddress(value)),
  };
}

/** `[::1]:80`, `127.0.0.1:80`. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function splitAtCommas(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
