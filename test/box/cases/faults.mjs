/** Faults of owners and cards: the service is up, or stopped for good with one sentence. */
import { copyFileSync, mkdirSync } from "node:fs";
import { answers, ask, keysFile, sleep } from "../box.mjs";

const spark = "/usr/lib/hearthd/models/spark/spark-q8_0.gguf";

/** Up for good, or stopped for good with one sentence and a closed socket; never restarted. */
async function upOrStopped(box) {
  await box.until("up or stopped", async () => (await answers()) || box.unit().ActiveState === "failed");
  await sleep(7000); // longer than RestartSec
  box.neverRestarted();
  if (box.unit().ActiveState === "active") return box.check(await answers(), "it is active and does not answer");
  box.check(box.unit().ExecMainStatus === "2", "its exit status is not 2");
  const sentences = box.sentences();
  box.check(sentences.length === 1 && !/INTERNAL/.test(sentences[0]), "it does not say why in one sentence");
  box.check(box.unit("hearthd.socket").ActiveState !== "active", "every client starts it again");
}

const stopped = (box) => box.check(box.unit().ActiveState === "failed", "it goes on");
const up = (box) => box.check(box.unit().ActiveState === "active", "it does not go on");

export const faultCases = (box) => ({
  async "a broken configuration"() {
    box.start(["scheduler.slots = many"]);
    await upOrStopped(box);
    stopped(box);
    box.check(/CONFIG_UNREADABLE.*line 2/.test(box.sentences()[0]), "it does not name the line");
    box.configure([]);
    box.must("systemctl", "restart", "hearthd");
    await box.serving();
    box.check(box.unit("hearthd.socket").ActiveState === "active", "the socket stays closed after that is mended");
  },

  async "a LAN without a key"() {
    const keys = box.read(keysFile);
    box.write(keysFile, "# none\n");
    box.start(['server.listen = "0.0.0.0:11434"']);
    await upOrStopped(box);
    stopped(box);
    box.check(box.sentences()[0].includes("hearth key create"), "it does not say what to do");
    box.write(keysFile, keys);
  },

  async "a model under /home"() {
    mkdirSync(box.file("/home/pi"), { recursive: true, mode: 0o700 });
    copyFileSync(box.file(spark), box.file("/home/pi/model.gguf"));
    box.start(['model.path = "/home/pi/model.gguf"']);
    await upOrStopped(box);
  },

  async "a model of the store that is missing"() {
    box.start(['model.path = "gone"']);
    await upOrStopped(box);
    up(box);
    box.check(/gone.*spark answers/.test(box.unit().StatusText), "the status does not say which model answers");
  },

  async "a model file that is missing"() {
    box.start(['model.path = "/var/lib/hearth/gone.gguf"']);
    await upOrStopped(box);
    up(box);
  },

  async "a full disk"() {
    box.systemctl("stop", "hearthd.service");
    const space =
      "mkdir -p /var/lib/full && mount -t tmpfs -o size=300k,mode=755 full /var/lib/full && chown hearth /var/lib/full";
    box.check(
      box.sh(
        `${space}; cp -a /var/lib/hearth/keys.json /var/lib/full/ 2>/dev/null; head -c 1M /dev/zero >/var/lib/full/rest; true`,
      ).status === 0,
      "no full disk",
    );
    box.dropIn("full", "Service", ["BindPaths=/var/lib/full:/var/lib/hearth"]);
    try {
      box.start();
      await upOrStopped(box);
      up(box);
      const stored = await ask();
      box.check(stored.status === 200, `it does not answer: ${stored.text}`);
    } finally {
      box.dropped("full");
      box.systemctl("stop", "hearthd.service");
      box.sh("umount /var/lib/full");
    }
  },

  async "a state folder that is read-only"() {
    box.dropIn("readonly", "Service", ["ReadOnlyPaths=/var/lib/hearth"]);
    try {
      box.start();
      await upOrStopped(box);
      up(box);
      box.check((await ask()).status === 200, "it does not answer");
    } finally {
      box.dropped("readonly");
    }
  },

  async "files that are dated ten days ahead, as by a clock that was wrong: keys are still good"() {
    box.start(['auth.mode = "required"']);
    await box.serving();
    const key = box.must("hearth", "key", "create", "before").trim();
    const authorization = `Bearer ${key}`;
    box.check((await ask("Hello", { authorization })).status === 200, "the key is refused before");
    box.must("find", "/var/lib/hearth", "-exec", "touch", "-d", "10 days", "{}", "+");
    box.must("systemctl", "restart", "hearthd");
    await box.serving();
    box.check((await ask("Hello", { authorization })).status === 200, "the key is refused afterwards");
    box.must("hearth", "key", "revoke", "before");
    box.start();
    await box.serving();
  },
});
