/** Ways to lose the power: each begins some work of the service and resolves at a random moment within it. Knows nothing of what comes afterwards. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hostSeenByGuest } from "./machine.mjs";

/** Two questions about a house, of some hundred tokens, that no others begin like: what came twice is kept. */
export function questionsAbout(name) {
  const rooms = ["kitchen", "hall", "attic", "cellar", "garden", "study", "porch", "garage"];
  const lines = rooms.map((room, i) => `In the ${room} of house ${name} there are ${i + 2} lamps and a sensor.`);
  return ["Hello! Who are you?", "How warm is it?"].map((end) => `House ${name}. ${lines.join(" ")} ${end}`);
}

/** By name: { machine, client, source, memory, random, round } to a sentence about the moment. */
export const cuts = {
  async pull(stage) {
    const { source, random } = stage;
    const { name, path, bytes } = await beginPull(stage);
    const wanted = Math.floor(bytes * (0.02 + 0.96 * random()));
    await until(() => source.sent.get(path) >= wanted, "bytes of the pull");
    return `in the pull of ${name}, ${source.sent.get(path)} of ${bytes} bytes were sent`;
  },

  async "end of a pull"(stage) {
    const { source, random } = stage;
    const { name, path, bytes } = await beginPull(stage);
    await until(() => source.sent.get(path) >= bytes, "the end of the pull");
    const later = Math.floor(random() * 2500);
    await sleep(later);
    return `${later} ms after the last byte of ${name} was sent`;
  },

  async snapshot({ machine, client, memory, random, round }) {
    const [question, another] = questionsAbout(`${round}${randomWord(random)}`);
    // The ledger says what will be written, before the file is.
    const ledger = "/var/lib/hearth/prefixes/written.json";
    memory.answers.set(question, (await client.ask(question)).text);
    await machine.must("touch /run/before");
    await client.ask(another);
    await machine.must(`until [ ${ledger} -nt /run/before ]; do :; done`, 120_000);
    const later = Math.floor(random() * 150);
    await sleep(later);
    return `${later} ms after a snapshot was begun`;
  },

  async "chats and keys"({ machine, client, memory, random, round }) {
    let isOn = true;
    const keys = `for i in 1 2 3 4 5 6 7 8; do echo "KEY round${round}-$i $(hearth key create round${round}-$i)"; done`;
    await machine.watch(keys, (line) => {
      const [, name, key] = /^KEY (\S+) (hearth_\S+)$/.exec(line) ?? [];
      if (name) memory.keys.set(name, key);
    });
    let written = 0;
    const write = async () => {
      const id = `chat_${randomBytes(16).toString("hex")}`;
      const text = "a kept word ".repeat(1 + Math.floor(random() * 2000));
      for (let revision = 0; revision < 3 && isOn; revision++) {
        const content = { text, revision };
        const kept = await client.json("PUT", `/hearth/v1/chats/${id}`, {
          body: { title: `Chat of round ${round}`, content, revision },
        });
        memory.chat(id, kept.revision, content);
        written++;
      }
    };
    const writing = (async () => {
      while (isOn) await write();
    })();
    writing.catch(() => {}); // its connection ends with the machine
    const later = 4000 + Math.floor(random() * 16_000);
    await sleep(later);
    isOn = false;
    return `${later} ms into writing, ${written} chats and ${memory.keys.size} keys were confirmed`;
  },

  async answer({ client, random }) {
    let pieces = 0;
    const wanted = 1 + Math.floor(random() * 15);
    const answer = client.stream("Tell me a story.", () => pieces++);
    answer.catch(() => {});
    await until(() => pieces >= wanted, "an answer");
    return `in an answer, after ${pieces} pieces`;
  },
};

/** The order in which the power is lost `count` times: each way comes, those that write most often. */
export function chosenCuts(count, random) {
  const usual = [
    "pull",
    "snapshot",
    "chats and keys",
    "end of a pull",
    "boot",
    "snapshot",
    "pull",
    "answer",
    "chats and keys",
    "snapshot",
  ];
  const chosen = Array.from({ length: count }, (_, i) => usual[i % usual.length]);
  for (let i = chosen.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [chosen[i], chosen[j]] = [chosen[j], chosen[i]];
  }
  return chosen;
}

async function beginPull({ machine, source, weights, round }) {
  const name = `pulled-${round}`;
  const path = `/${name}.gguf`;
  // A model of another digest: its own name in it is another one of equal length.
  const bytes = Buffer.from(weights);
  const at = bytes.indexOf("Spark");
  bytes.write(String(10_000 + round), at);
  source.add(path, bytes);
  await machine.must(`(${pullCommand(source, name)} >/root/pull.log 2>&1) &`);
  return { name, path, bytes: bytes.length };
}

export const pullCommand = (source, name) =>
  `hearth models pull http://${hostSeenByGuest}:${source.port}/${name}.gguf --name ${name}`;

const randomWord = (random) => Math.floor(random() * 1e6).toString(36);

async function until(condition, what, limitMs = 180_000) {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come`);
    await sleep(10);
  }
}
