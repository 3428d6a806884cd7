/** A self-signed certificate for a server: an EC key on P-256, the device's names and addresses. */
import { isIP } from "node:net";

export interface CertificateOptions {
  /** DNS names and literal addresses; at least one. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/** ub-common-name of RFC 5280; clients look at the alternative names anyway. */
const maxCommonName = 64;

/** A leaf for servers that is no authority: whoever trusts it trusts nothing else. */
export async function selfSignedCertificate(options: CertificateOptions): Promise<KeyAndCertificate> {
  const { default: selfsigned } = await import("selfsigned"); // a tenth of the daemon's code, for the one start that needs it
  const { hosts, notBefore, notAfter } = options;
  const altNames = hosts.map((host) =>
    isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host.replace(/%.*$/, "") },
  );
  const commonName = (hosts[0] ?? "localhost").slice(0, maxCommonName);
  const { private: key, cert } = await selfsigned.generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(notBefore),
    notAfterDate: new Date(notAfter),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames },
    ],
  });
  return { key, cert: `${cert}\n` };
}
