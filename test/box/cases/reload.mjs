/** `systemctl reload`: what a running service takes over, and what it says of the rest. */
import { ask, sleep, url } from "../box.mjs";

const page = "http://kiosk.lan:8080";

async function origin() {
  const response = await fetch(`${url}/healthz`, { headers: { origin: page } });
  return response.status;
}

export const reloadCases = (box) => ({
  async "a reload takes over origins, limits, keys and the log's level without a restart"() {
    box.start();
    await box.serving();
    const { MainPID } = box.unit();
    box.check((await origin()) === 403, "the page was let in before");
    box.configure([
      `server.allowed_origins = ["${page}"]`,
      'auth.mode = "required"',
      "limits.requests_per_minute = 7",
      'log.level = "debug"',
    ]);
    box.must("systemctl", "reload", "hearthd");
    await box.until("the page's answer", async () => (await origin()) === 200, 5000);
    box.check((await ask()).status === 401, "no key is needed");
    box.check(box.journal().includes('"level":"debug"'), "the log has no debug lines");
    box.check(box.unit().MainPID === MainPID && box.unit().ActiveState === "active", "it is another process");
    box.neverRestarted();
  },

  async "a reload says which changes need a restart"() {
    box.start();
    await box.serving();
    box.configure(["context.tokens = 512"]);
    box.must("systemctl", "reload", "hearthd");
    await box.until("a sentence", () => /context\.tokens.*restart/.test(box.unit().StatusText), 5000);
    box.check((await ask()).status === 200, "it does not answer");
    box.configure([]);
    box.must("systemctl", "reload", "hearthd");
    await box.serving(5000);
  },

  async "a wrong configuration is refused by a reload, and the one before stays"() {
    box.start(['auth.mode = "off"']);
    await box.serving();
    box.configure(["scheduler.slots = 0"]);
    box.must("systemctl", "reload", "hearthd");
    await box.until("a sentence", () => /scheduler\.slots/.test(box.unit().StatusText), 5000);
    box.check((await ask()).status === 200, "it does not answer");
    box.neverRestarted();
  },

  async SIGHUP() {
    box.start();
    await box.serving();
    const { MainPID } = box.unit();
    for (let i = 0; i < 3; i++) box.systemctl("kill", "--signal=HUP", "hearthd");
    await sleep(2000);
    box.check((await ask()).status === 200 && box.unit().MainPID === MainPID, "it is not the same process");
    box.neverRestarted();
  },
});
