/** A Home Assistant of its own: started in a root folder with a fresh configuration, and asked over its REST and WebSocket APIs. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import WebSocket from "ws";

/** Seconds that a start may take on a busy machine. */
const startSeconds = 240;

/** The program of the root folder, as chroot sees it. */
const program = "/opt/ha/bin/hass";

/** Says what a root folder lacks; null where nothing does. */
export function lacks(root) {
  if (!existsSync(path.join(root, program))) return `${path.join(root, program)} is not there`;
  return process.getuid?.() === 0 ? null : "only root may change the root folder of a process (chroot)";
}

/** Newer versions keep the port in the storage and give an unconfirmed one up again: so it is written as a confirmed one. */
function storedPort(port) {
  const stable = { server_port: port, server_host: ["127.0.0.1"], error: null, error_message: null };
  const defaults = {
    login_attempts_threshold: -1,
    ip_ban_enabled: true,
    ssl_profile: "intermediate_v6",
    use_x_frame_options: true,
  };
  const created = { cors_allowed_origins: [], created_at: new Date().toISOString() };
  const data = { stable: { ...stable, ...defaults, ...created }, pending: null, yaml_migration_done: true };
  return JSON.stringify({ version: 3, minor_version: 1, key: "http", data });
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** `configuration`: the text of configuration.yaml. The caller stops it. */
export async function startHomeAssistant(root, port, configuration) {
  mkdirSync(path.join(root, "tmp"), { recursive: true });
  const folder = mkdtempSync(path.join(root, "tmp", "home-"));
  mkdirSync(path.join(folder, ".storage"));
  writeFileSync(path.join(folder, "configuration.yaml"), configuration);
  writeFileSync(path.join(folder, ".storage", "http"), storedPort(port));
  // The mounts are in a namespace of their own and go with it.
  const inRoot = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" env HOME=/root "$@"';
  const args = ["--mount", "sh", "-c", inRoot, root, program, "-c", `/tmp/${path.basename(folder)}`, "--skip-pip"];
  const child = spawn("unshare", args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    log = (log + text).slice(-4000);
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const home = new HomeAssistant(`http://127.0.0.1:${port}`);
  const stop = async () => {
    home.close();
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.race([
      home.join(),
      ended.then(() => Promise.reject(new Error("Home Assistant ended while it started"))),
    ]);
  } catch (error) {
    await stop();
    throw new Error(`${error.message}; the end of its log: ${log}`, { cause: error });
  }
  return { home, stop };
}

class HomeAssistant {
  #url;
  #token = "";
  #socket;
  #id = 0;
  #waiting = new Map();

  constructor(url) {
    this.#url = url;
  }

  /** Makes the first user, as the first page of a new installation does, and opens the WebSocket. */
  async join() {
    for (let waited = 0; ; waited++) {
      const up = await fetch(`${this.#url}/manifest.json`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (up) break;
      if (waited === startSeconds) throw new Error(`Home Assistant does not listen after ${startSeconds} s`);
      await pause(1);
    }
    const client = { client_id: `${this.#url}/` };
    const user = { name: "Owner", username: "owner", password: "owner", language: "en" };
    const { auth_code: code } = await this.post("/api/onboarding/users", { ...client, ...user });
    const body = new URLSearchParams({ grant_type: "authorization_code", code, ...client });
    const granted = await (await fetch(`${this.#url}/auth/token`, { method: "POST", body })).json();
    this.#token = granted.access_token;
    for (const step of ["core_config", "analytics"]) await this.post(`/api/onboarding/${step}`, {});
    await this.post("/api/onboarding/integration", { ...client, redirect_uri: `${this.#url}/` });
    await this.#open();
  }

  async #open() {
    this.#socket = new WebSocket(`${this.#url.replace("http", "ws")}/api/websocket`);
    await new Promise((resolve, reject) => {
      this.#socket.on("error", reject);
      this.#socket.on("message", (data) => {
        const message = JSON.parse(data);
        if (message.type === "auth_required")
          this.#socket.send(JSON.stringify({ type: "auth", access_token: this.#token }));
        else if (message.type === "auth_ok") resolve();
        else if (message.type === "auth_invalid") reject(new Error(message.message));
        else this.#waiting.get(message.id)?.(message);
      });
    });
  }

  close() {
    this.#socket?.close();
  }

  /** The result of a WebSocket command. */
  async command(type, values = {}) {
    const id = ++this.#id;
    const answer = await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, type, ...values }));
    });
    this.#waiting.delete(id);
    if (!answer.success) throw new Error(`${type}: ${JSON.stringify(answer.error)}`);
    return answer.result;
  }

  async #request(method, place, body) {
    const headers = {
      "content-type": "application/json",
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
    };
    const response = await fetch(this.#url + place, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${place}: ${response.status} ${text}`);
    return text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text;
  }

  post(place, body) {
    return this.#request("POST", place, body);
  }

  service(name, data) {
    return this.post(`/api/services/${name.replace(".", "/")}`, data);
  }

  /** {entity id: {state, attributes}} */
  async states() {
    return new Map((await this.#request("GET", "/api/states")).map((one) => [one.entity_id, one]));
  }

  /** Goes through the forms of a configuration flow; the entry that it makes. */
  async flow(place, handler, ...forms) {
    let step = await this.post(place, { handler });
    for (const form of forms) step = await this.post(`${place}/${step.flow_id}`, form);
    if (step.type !== "create_entry") throw new Error(`the flow of ${handler} ends with ${JSON.stringify(step)}`);
    return step.result;
  }

  /** Resolves to the agent's answer; `conversation` is an earlier one to go on with. */
  async ask(agent, text, conversation) {
    const body = { text, agent_id: agent, language: "en", ...(conversation && { conversation_id: conversation }) };
    const { service_response: said } = await this.post("/api/services/conversation/process?return_response", body);
    return { speech: said.response.speech.plain?.speech ?? "", conversation: said.conversation_id };
  }
}
