/** The certificate to serve HTTPS with: the user's, or one that was made here once and is kept. */
import { X509Certificate } from "node:crypto";
import path from "node:path";
import { HearthError } from "../base/errors.js";
import { isMissing, readSmallText, reasonOf } from "../base/files.js";
import type { Logger } from "../base/logger.js";
import type { Config } from "../config/options.js";
import { type KeyAndCertificate, selfSignedCertificate } from "../net/certificate.js";
import { ownAddresses, ownNames } from "../net/server.js";
import { makeFolder, privateMode, storing, writeDurably } from "../store/durable-files.js";
import { type Locker, lockFileIn, withLock } from "../store/file-lock.js";

const dayMs = 86_400_000;
/** The longest that Apple's clients accept. */
const validDays = 825;
/** A certificate with less time than this left is replaced at the next start. */
const renewDays = 90;
/** A board without a clock battery wakes up in 1970; no certificate of ours is older than this. */
const earliest = Date.UTC(2026, 0, 1);

export interface TlsDependencies {
  readonly stateFolder: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly logger: Logger;
  readonly locker: Locker;
}

/** null for plain HTTP. Throws CONFIG_BAD_VALUE, TLS_UNUSABLE and FILE_WRITE_FAILED. */
export async function loadTls(config: Config, dependencies: TlsDependencies): Promise<KeyAndCertificate | null> {
  const { "tls.cert": cert, "tls.key": key, "tls.self_signed": selfSigned } = config;
  if ((cert === "") !== (key === "") || (cert !== "" && selfSigned)) {
    const message = "HTTPS needs tls.cert and tls.key together, or tls.self_signed alone.";
    throw new HearthError("CONFIG_BAD_VALUE", message, { param: "tls.cert" });
  }
  if (cert !== "") return { cert: readPem(cert, "tls.cert"), key: readPem(key, "tls.key") };
  return selfSigned ? keptCertificate(config, dependencies) : null;
}

async function keptCertificate(
  config: Config,
  { stateFolder, now, logger, locker }: TlsDependencies,
): Promise<KeyAndCertificate> {
  const file = path.join(stateFolder, "tls.pem");
  const names = certificateNames(config);
  const keep = async () => {
    const kept = readPem(file, "state.path", "");
    return isUsable(kept, names, now) ? kept : makeCertificate(file, names, Math.max(now, earliest));
  };
  // Two daemons that start at once serve the same certificate.
  const pem = await withLock(lockFileIn(stateFolder, "tls"), locker, "Somebody else is making the certificate.", keep);
  const { fingerprint256: sha256, validTo } = new X509Certificate(pem);
  logger.info({ sha256, validTo, file }, "HTTPS with a self-signed certificate");
  return { cert: pem, key: pem };
}

/** Key and certificate in one file, so that they always belong together. */
async function makeCertificate(file: string, names: readonly string[], from: number): Promise<string> {
  const { key, cert } = await selfSignedCertificate({
    hosts: [...names, ...ownAddresses()],
    notBefore: from - dayMs,
    notAfter: from + (validDays - 1) * dayMs,
  });
  await storing(file, async () => {
    await makeFolder(path.dirname(file));
    await writeDurably(file, key + cert, privateMode);
  });
  return key + cert;
}

/** Addresses may change, and the certificate that clients have learned to trust stays. */
function isUsable(pem: string, names: readonly string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const daysLeft = (Date.parse(certificate.validTo) - now) / dayMs;
    return daysLeft > renewDays && names.every((name) => certificate.checkHost(name) !== undefined);
  } catch {
    return false;
  }
}

function certificateNames(config: Config): string[] {
  const names = ownNames(config).filter((name) => /^[a-z][\w.-]*$/i.test(name));
  const local = names.filter((name) => !name.includes(".") && name !== "localhost").map((name) => `${name}.local`);
  return [...new Set([...names, ...local, "localhost"].map((name) => name.toLowerCase()))];
}

/** `otherwise`: what a file that is missing stands for; without it that is an error. */
function readPem(file: string, param: string, otherwise?: string): string {
  try {
    return readSmallText(file);
  } catch (error) {
    if (otherwise !== undefined && isMissing(error)) return otherwise;
    const reason = reasonOf(error).replace(/\.$/, "");
    throw new HearthError("TLS_UNUSABLE", `Cannot read ${file}: ${reason}.`, { param, cause: error });
  }
}
