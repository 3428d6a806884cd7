/**
 * Whatever the service has confirmed before its power was cut: keys, kept chats, models, prompts. It has all of that afterwards, as it
 * was; check() says what is missing.
 */

export class Memory {
  keys = new Map();
  chats = new Map();
  models = new Set();
  answers = new Map();
  /** Prompts that are kept on disk, so that they are known after a start. */
  kept = new Set();

  chat(id, revision, content) {
    this.chats.set(id, { revision, content });
  }

  /** Throws with all that is not as it was. */
  async check(client, machine) {
    const wrong = [];
    const look = async (what, find) => {
      try {
        const problem = await find();
        if (problem) wrong.push(`${what}: ${problem}`);
      } catch (error) {
        wrong.push(`${what}: ${error.message}`);
      }
    };
    for (const [name, key] of this.keys) {
      await look(`key ${name}`, async () => {
        const { status } = await client.request("GET", "/v1/models", { key });
        return status !== 200 && `refused with ${status}`;
      });
    }
    await look("another key", async () => {
      const { status } = await client.request("GET", "/v1/models", { key: "hearth_of_nobody_at_all_in_this_home" });
      return status !== 401 && `let in with ${status}`;
    });
    await look("the list of chats", async () => {
      const { data } = await client.json("GET", "/hearth/v1/chats");
      return data.length < this.chats.size && `has ${data.length} of ${this.chats.size}`;
    });
    for (const [id, { revision, content }] of this.chats) {
      await look(`chat ${id}`, async () => {
        const found = await client.json("GET", `/hearth/v1/chats/${id}`);
        const isSame = JSON.stringify(found.content) === JSON.stringify(content);
        // A change that was not confirmed any more may have been kept, as a whole.
        const isLater = found.revision === revision + 1 && found.content.text === content.text;
        return !isLater && (found.revision !== revision || !isSame) && `is ${JSON.stringify(found).slice(0, 300)}`;
      });
    }
    if (this.models.size > 0) {
      await look("models", async () => {
        const { status, output } = await machine.sh("hearth models verify", 600_000);
        return status !== 0 && output;
      });
      await look("models", async () => {
        const names = JSON.parse(await machine.must("hearth models list --json 2>/dev/null")).map(({ name }) => name);
        const gone = [...this.models].filter((name) => !names.includes(name));
        return gone.length > 0 && `${gone.join(", ")} missing of ${names.join(", ")}`;
      });
    }
    for (const [question, text] of this.answers) {
      await look(`the answer to ${question.slice(0, 40)}`, async () => {
        const found = await client.ask(question);
        if (found.text !== text) return `was ${JSON.stringify(text)} and is ${JSON.stringify(found.text)}`;
        return this.kept.has(question) && found.cached === 0 && "its prompt is not known any more";
      });
    }
    await look("kept prompts", async () => {
      const damaged = await client.metric("hearth_prefix_damaged_total");
      return damaged > 0 && `${damaged} of them are damaged`;
    });
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
  }
}
