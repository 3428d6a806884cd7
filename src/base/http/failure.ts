/** The reasons why an exchange over HTTP failed, in words for people. Knows Node's codes, and nothing of who asked whom for what. */

export type FailureKind =
  /** The name of the host, or of the proxy, has no address. */
  | "unresolved"
  /** The host has an address that may not be asked. */
  | "refused"
  | "unreachable"
  /** Its certificate is not for its name, out of date, or of nobody that this machine trusts. */
  | "untrusted"
  /** Nothing came in time. */
  | "late"
  /** The other side closed before it had said all. */
  | "closed"
  /** Bytes that are no HTTP. */
  | "malformed"
  | "other";

export class HttpFailure extends Error {
  readonly kind: FailureKind;

  /** `message`: what the other side does, to follow its name; without a stop. */
  constructor(kind: FailureKind, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "HttpFailure";
    this.kind = kind;
  }
}

/** Node's codes of connections that do not come about. */
const unreachable = [
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "ETIMEDOUT",
];
/** OpenSSL's names of what is wrong with a certificate, and Node's for a wrong name. */
const untrusted = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;
const closed = ["ECONNRESET", "EPIPE", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE"];

/** Anything that Node's sockets, TLS and HTTP throw. */
export function toFailure(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  // Several addresses were tried: the first says as much as all of them.
  if (error instanceof AggregateError && error.errors.length > 0) return toFailure(error.errors[0]);
  const { code = "", syscall = "", message = String(error) } = (error ?? {}) as NodeJS.ErrnoException;
  const cause = { cause: error };
  if (syscall === "getaddrinfo") return new HttpFailure("unresolved", `has no address (${code})`, cause);
  if (unreachable.includes(code)) return new HttpFailure("unreachable", `cannot be reached (${code})`, cause);
  if (untrusted.test(code))
    return new HttpFailure("untrusted", `has a certificate that is not trusted (${code})`, cause);
  if (closed.includes(code)) return new HttpFailure("closed", `closed the connection (${code})`, cause);
  if (code.startsWith("HPE_")) return new HttpFailure("malformed", `sends what is no HTTP (${code})`, cause);
  return new HttpFailure("other", `cannot be asked: ${message.slice(0, 200)}`, cause);
}

/** `30 seconds`, `0.5 seconds`. */
export function secondsOf(durationMs: number): string {
  return `${Math.round(durationMs / 100) / 10} seconds`;
}
