/** Asks the daemon that runs on this machine for its state, which needs no key from here. */
import { HearthError } from "../base/errors.js";
import type { StatusReport } from "../daemon/status-report.js";
import { type DaemonAnswer, DaemonClient, isAbsent, localAddress, type Reach } from "./daemon-client.js";

const limitMs = 5000;

/** null: nobody listens there. DAEMON_UNREACHABLE where somebody does and gives no state. */
export async function daemonStatus(config: Reach): Promise<StatusReport | null> {
  const { host, port } = localAddress(config);
  const where = `${host}:${port}`;
  const foreign = (why: string) =>
    new HearthError("DAEMON_UNREACHABLE", `The program at ${where} ${why}.`, { advice: otherProgram });
  let answer: DaemonAnswer;
  try {
    answer = await new DaemonClient(config, null).ask({ method: "GET", path: "/hearth/v1/status", limitMs });
  } catch (error) {
    if (isAbsent(error)) return null;
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
