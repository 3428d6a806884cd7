/**
 * A self-signed certificate (X.509 version 3, RFC 5280) for a server: an EC key on P-256, the device's names and addresses.
 * Node makes keys and signatures but no certificates, and the fields of this one kind are few; DER is X.690.
 */
import { createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP, SocketAddress } from "node:net";

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

export function selfSignedCertificate({ hosts, notBefore, notAfter }: CertificateOptions): KeyAndCertificate {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const name = sequence(set(sequence(oid(oids.commonName), utf8((hosts[0] ?? "localhost").slice(0, maxCommonName)))));
  const signedPart = sequence(
    context(0, integer(Buffer.of(2))), // version 3
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])), // serial number: positive and unguessable
    sequence(oid(oids.ecdsaWithSha256)),
    name, // issuer
    sequence(time(notBefore), time(notAfter)),
    name, // subject
    publicKey,
    context(3, sequence(...extensions(hosts))),
  );
  const signature = sign("sha256", signedPart, privateKey);
  const certificate = sequence(signedPart, sequence(oid(oids.ecdsaWithSha256)), bitString(signature));
  return {
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64").replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`,
  };
}

/** ub-common-name of RFC 5280; clients look at the alternative names anyway. */
const maxCommonName = 64;

const oids = {
  commonName: [2, 5, 4, 3],
  ecdsaWithSha256: [1, 2, 840, 10045, 4, 3, 2],
  basicConstraints: [2, 5, 29, 19],
  keyUsage: [2, 5, 29, 15],
  extendedKeyUsage: [2, 5, 29, 37],
  serverAuthentication: [1, 3, 6, 1, 5, 5, 7, 3, 1],
  subjectAlternativeName: [2, 5, 29, 17],
} as const;

/** A leaf for servers that is no authority: whoever trusts it trusts nothing else. */
function extensions(hosts: readonly string[]): Buffer[] {
  const critical = tagged(0x01, Buffer.of(0xff));
  const digitalSignature = tagged(0x03, Buffer.of(7, 0x80)); // 7 unused bits
  return [
    sequence(oid(oids.basicConstraints), critical, octets(sequence())),
    sequence(oid(oids.keyUsage), critical, octets(digitalSignature)),
    sequence(oid(oids.extendedKeyUsage), octets(sequence(oid(oids.serverAuthentication)))),
    sequence(oid(oids.subjectAlternativeName), octets(sequence(...hosts.map(generalName)))),
  ];
}

function generalName(host: string): Buffer {
  const version = isIP(host);
  if (version === 0) return tagged(0x82, Buffer.from(host, "ascii"));
  return tagged(0x87, version === 4 ? Buffer.from(host.split(".").map(Number)) : ipv6Bytes(host));
}

function ipv6Bytes(host: string): Buffer {
  // In its canonical form "::" is the only abbreviation left.
  const { address } = new SocketAddress({ address: host.split("%")[0] ?? host, family: "ipv6" });
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, prefix = "", ...bytes] = dotted ?? [];
  const pair = (high = "0", low = "0") => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted ? `${prefix}${pair(bytes[0], bytes[1])}:${pair(bytes[2], bytes[3])}` : address;
  const [before = "", after] = text.split("::");
  const words = (half: string) => (half === "" ? [] : half.split(":"));
  const head = words(before);
  const tail = after === undefined ? [] : words(after);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return Buffer.from([...head, ...zeros, ...tail].map((word) => word.padStart(4, "0")).join(""), "hex");
}

/** UTCTime up to 2049 and GeneralizedTime from then on, as RFC 5280 (4.1.2.5) wants it. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, "");
  return digits < "2050" ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthOf(content), content]);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.of(length);
  return length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff);
}

const sequence = (...parts: Buffer[]) => tagged(0x30, Buffer.concat(parts));
const set = (...parts: Buffer[]) => tagged(0x31, Buffer.concat(parts));
const context = (number: number, content: Buffer) => tagged(0xa0 + number, content);
const octets = (content: Buffer) => tagged(0x04, content);
const utf8 = (text: string) => tagged(0x0c, Buffer.from(text));
const integer = (bytes: Buffer) => tagged(0x02, bytes);
const bitString = (bytes: Buffer) => tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));

function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}
