/** Ends of the service that nobody asked for, and what systemd makes of them. */
import { answers, ask } from "../box.mjs";

export const restartCases = (box) => ({
  async "a daemon that stands still is restarted by the watchdog"() {
    box.dropIn("watchdog", "Service", ["WatchdogSec=4", "RestartSec=1"]);
    box.start();
    await box.serving();
    const { MainPID } = box.unit();
    box.must("sh", "-c", `kill -STOP ${MainPID}`);
    await box.until("another process", () => !["0", MainPID].includes(box.unit().MainPID), 40_000);
    box.dropped("watchdog");
    await box.serving();
    box.check((await ask()).status === 200, "it does not answer");
    box.check(box.unit().NRestarts === "1", "it was not restarted once");
  },

  async "a daemon that was killed is restarted"() {
    box.start();
    await box.serving();
    const { MainPID } = box.unit();
    box.must("sh", "-c", `kill -KILL ${MainPID}`);
    await box.until("another process", () => !["0", MainPID].includes(box.unit().MainPID));
    await box.serving();
    box.check((await ask()).status === 200, "it does not answer");
  },

  async "a daemon that outgrows MemoryMax is killed, and comes back when it has room"() {
    box.start();
    await box.serving();
    box.dropIn("memory", "Service", ["MemoryMax=32M", "MemorySwapMax=0", "RestartSec=1"]);
    box.mark();
    box.systemctl("restart", "--no-block", "hearthd");
    await box.until("an end by its memory", () => Number(box.unit().NRestarts) > 0, 60_000);
    box.dropped("memory");
    await box.serving(60_000);
    box.check((await ask()).status === 200, "it does not answer");
  },

  async "a service without memory control groups and PSI starts"() {
    box.dropIn("bare", "Service", ["MemoryAccounting=no", "InaccessiblePaths=-/proc/pressure", "CPUAccounting=no"]);
    box.start();
    await box.serving();
    box.dropped("bare");
    box.check(await answers(), "it does not answer");
  },
});
