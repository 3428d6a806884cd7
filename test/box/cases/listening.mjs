/** Addresses and ports that are not there when the service starts. */
import { createServer } from "node:net";
import { answers, ask, port, sleep } from "../box.mjs";

const laterAddress = "192.168.77.5";

/** Another program that holds the port while `during` runs. */
async function whilePortIsTaken(box, during) {
  box.systemctl("stop", "hearthd.service", "hearthd.socket");
  const other = createServer();
  await new Promise((resolve, reject) => other.once("error", reject).listen(port, "127.0.0.1", resolve));
  try {
    await during();
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
}

const waits = (box) => box.unit().StatusText.startsWith("Waiting to listen");

export const listeningCases = (box) => ({
  async "an address of the LAN that comes after 20 s"() {
    box.start([`server.listen = "${laterAddress}:${port}"`, 'auth.mode = "off"']);
    await sleep(20_000);
    box.check(waits(box), "its status does not say that it waits");
    const { MainPID } = box.unit();
    box.must("ip", "address", "add", `${laterAddress}/32`, "dev", "lo");
    await box.until("an answer", () => answers(laterAddress));
    box.check(box.unit().MainPID === MainPID, "it is another process");
    box.neverRestarted();
  },

  async "the socket takes the address of the configuration when systemd reads its units again"() {
    box.systemctl("stop", "hearthd.service", "hearthd.socket");
    box.must("systemctl", "daemon-reload");
    box.must("systemctl", "start", "hearthd.socket");
    const { stdout } = box.systemctl("show", "--property=Listen", "--value", "hearthd.socket");
    box.check(stdout.trim() === `${laterAddress}:${port} (Stream)`, `it listens on ${stdout}`);
    await box.until("an answer", () => answers(laterAddress));
    box.check(box.unit().ActiveState === "active", "the service does not run");
  },

  async "an address that was changed in the configuration is in use after a restart"() {
    box.configure(['auth.mode = "off"']);
    box.mark();
    box.must("systemctl", "restart", "hearthd");
    await box.until("an answer", () => answers());
    box.check(!(await answers(laterAddress)), "the old address answers, too");
    box.must("systemctl", "daemon-reload");
    box.start();
    await box.serving();
    box.check(box.unit("hearthd.socket").ActiveState === "active", "the socket is closed");
  },

  async "a port that is taken for 10 s"() {
    await whilePortIsTaken(box, async () => {
      box.start();
      await sleep(10_000);
      box.check(waits(box), "its status does not say that it waits");
    });
    await box.until("an answer", () => answers());
    box.neverRestarted();
  },

  async "the journal knows which lines are warnings"() {
    box.check(box.journal("--priority=warning").includes("waiting to listen"), "the warning has no priority");
    box.check(!box.journal("--priority=warning").includes('"level":"info"'), "information is a warning");
  },

  async "a port that stays taken: the start ends, the status says why"() {
    await whilePortIsTaken(box, async () => {
      box.start();
      box.check(box.systemctl("start", "hearthd").status === 0, "systemctl start failed or did not end");
      box.check(waits(box), "its status does not say that it waits");
      await sleep(5000);
      box.check(box.unit().ActiveState === "active", "it does not wait any more");
      box.neverRestarted();
      const stopped = box.systemctl("stop", "hearthd").status === 0 && box.unit().Result === "success";
      box.check(stopped, "it does not stop");
    });
    box.start();
    await box.serving();
    box.check((await ask()).status === 200, "it does not answer");
  },
});
