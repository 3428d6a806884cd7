/** The service in the virtual machine as another machine of the network uses it: with a key, over a forwarded port. */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";

/** An emulated processor reads a prompt of some hundred tokens in this time, also on a busy machine. */
const answerLimitMs = 180_000;

export class Client {
  constructor(port, key = "") {
    this.address = `127.0.0.1:${port}`;
    this.key = key;
  }

  async request(method, path, { body, key = this.key, limitMs = answerLimitMs } = {}) {
    const response = await fetch(`http://${this.address}${path}`, {
      method,
      headers: {
        connection: "close", // the machine behind the port may be another one next time
        ...(key && { authorization: `Bearer ${key}` }),
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(limitMs),
    });
    return { status: response.status, text: await response.text() };
  }

  async json(method, path, options) {
    const { status, text } = await this.request(method, path, options);
    if (status !== 200) throw new Error(`${method} ${path} was answered with ${status}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }

  /** Whether it says that it can answer. */
  async isReady() {
    try {
      return (await this.request("GET", "/readyz", { limitMs: 5000 })).status === 200;
    } catch {
      return false;
    }
  }

  async untilReady(limitMs, isOn = () => true) {
    const deadline = performance.now() + limitMs;
    while (!(await this.isReady())) {
      if (!isOn()) throw new Error("the machine has ended");
      if (performance.now() > deadline) throw new Error(`it is not ready after ${limitMs / 1000} s`);
      await sleep(250);
    }
  }

  /** { text, cached }: the answer, and the tokens of the question that were known. */
  async ask(input) {
    const body = { model: "default", input, temperature: 0, max_output_tokens: 24, store: false };
    const { output, usage } = await this.json("POST", "/v1/responses", { body });
    return { text: output[0].content[0].text, cached: usage.input_tokens_details.cached_tokens };
  }

  /** Streams an answer over a WebSocket; `onPiece` gets each piece of text. Resolves with the text when it is complete. */
  stream(input, onPiece = () => {}) {
    const headers = { authorization: `Bearer ${this.key}` };
    const socket = new WebSocket(`ws://${this.address}/v1/responses`, { headers });
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("no answer over the WebSocket in time")), answerLimitMs);
      let text = "";
      socket.on("open", () => {
        const turn = { type: "response.create", model: "default", input, temperature: 0, max_output_tokens: 60 };
        socket.send(JSON.stringify(turn));
      });
      socket.on("message", (data) => {
        const event = JSON.parse(data);
        if (event.type === "response.output_text.delta") {
          text += event.delta;
          onPiece(event.delta);
        } else if (event.type === "response.completed" || event.type === "response.incomplete") {
          resolve(text);
          socket.close();
        } else if (/failed|error/.test(event.type)) reject(new Error(`over the WebSocket came ${data}`));
      });
      socket.on("error", reject);
      socket.on("close", () => {
        clearTimeout(late);
        reject(new Error("the WebSocket was closed"));
      });
    });
  }

  /** The value of a metric without labels. */
  async metric(name) {
    const { text } = await this.request("GET", "/metrics");
    const found = new RegExp(`^${name} (\\S+)$`, "m").exec(text);
    return found ? Number(found[1]) : null;
  }
}
