/** Asks the daemon that runs on this machine, where its configuration says that it listens. Its state needs no key from here. */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import type { StatusReport } from "../daemon/status-report.js";

const limitMs = 5000;
const longestAnswer = 4 * 1024 * 1024;

/** A program of this machine reaches every address by loopback that is not one of its own in the network. */
export function localAddress(config: Pick<Config, "server.listen">): { host: string; port: number } {
  const { host, port } = config["server.listen"];
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  if (host === "::") return { host: "::1", port };
  return { host, port };
}

type Reach = Pick<Config, "server.listen" | "server.socket" | "tls.cert" | "tls.self_signed">;

/** null: nobody listens there. DAEMON_UNREACHABLE where somebody does and gives no state. */
export async function daemonStatus(config: Reach): Promise<StatusReport | null> {
  const { host, port } = localAddress(config);
  const where = `${host}:${port}`;
  const foreign = (why: string) =>
    new HearthError("DAEMON_UNREACHABLE", `The program at ${where} ${why}.`, { advice: otherProgram });
  let answer: Answer;
  try {
    answer = await ask(config, "/hearth/v1/status");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (["ECONNREFUSED", "ENOENT", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH"].includes(String(code))) return null;
    throw foreign(`does not answer (${error instanceof Error ? error.message : error})`);
  }
  if (answer.status === 404) throw foreign("is no hearth of this version");
  if (answer.status !== 200) throw foreign(`answers with ${answer.status}`);
  try {
    return JSON.parse(answer.text) as StatusReport;
  } catch {
    throw foreign("gives no state");
  }
}

const otherProgram = "Stop it, or give hearth another address in server.listen; `ss -ltnp` names the program.";

/** daemonStatus(), where nobody listening is an error: DAEMON_UNREACHABLE. */
export async function requireStatus(config: Reach): Promise<StatusReport> {
  const status = await daemonStatus(config);
  if (status) return status;
  const { host, port } = localAddress(config);
  throw new HearthError("DAEMON_UNREACHABLE", `No daemon listens on ${host}:${port}.`);
}

type Answer = { readonly status: number; readonly text: string };

/** The certificate may be a credential of the service, of which no command knows: then the port takes no plain HTTP. */
async function ask(config: Reach, path: string): Promise<Answer> {
  const isHttps = config["tls.cert"] !== "" || config["tls.self_signed"];
  try {
    return await get(config, path, isHttps);
  } catch (error) {
    const isHungUp = error instanceof Error && "code" in error && ["ECONNRESET", "EPROTO"].includes(String(error.code));
    if (isHttps || !isHungUp || config["server.socket"] !== "") throw error;
    return get(config, path, true);
  }
}

function get(config: Reach, path: string, isHttps: boolean): Promise<Answer> {
  const { host, port } = localAddress(config);
  const socket = config["server.socket"];
  const target = socket === "" ? { host, port, path } : { socketPath: socket, path, headers: { host: "localhost" } };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        if (text.length > longestAnswer) asked.destroy(new Error("its answer is too long"));
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    };
    // The certificate may be self-made, and its names are for others; no secret is sent.
    const asked: ClientRequest =
      isHttps && socket === ""
        ? requestHttps({ ...target, rejectUnauthorized: false }, take)
        : requestHttp(target, take);
    asked.setTimeout(limitMs, () => asked.destroy(new Error(`no answer within ${limitMs / 1000} seconds`)));
    asked.on("error", reject);
    asked.end();
  });
}
