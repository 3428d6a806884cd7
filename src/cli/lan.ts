/** `hearth lan`: lets the machines of the home network use the service, or this one alone. */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { Command } from "commander";
import { systemClock } from "../base/clock.js";
import { HearthError } from "../base/errors.js";
import { type Address, formatAddress } from "../config/kinds.js";
import type { StatusReport } from "../daemon/status-report.js";
import { loadEngineModule } from "../engine/binding.js";
import { writeDurably } from "../store/durable-files.js";
import { KeyFile } from "../store/key-file.js";
import { print } from "./models-store.js";
import { firstKeyOf } from "./own-key.js";
import { checkChangeable, type OwnedService, ownedService, tryValue } from "./owner.js";
import { pageLinks } from "./page-links.js";
import { qrText } from "./qr-text.js";

/** All addresses of version 4: names that end in .local lead there too, and no setting of the kernel takes them away. */
const everywhere = "0.0.0.0";
const announcementFile = "etc/avahi/services/hearth.service";
const keyName = "lan";

export function lanCommand(): Command {
  const lan = new Command("lan").description("let the home network use the service, or this machine alone");
  lan
    .command("on")
    .description("listen on the network, with a key; print address, key and a QR code for a phone")
    .action(turnOn);
  lan.command("off").description("listen for this machine alone; keys stay").action(turnOff);
  return lan;
}

async function turnOn(_flags: object, command: Command): Promise<void> {
  const owned = await ownedService(command);
  if (typeof owned === "number") process.exit(owned);
  checkChangeable(owned, "server.listen");
  const { config, file } = owned;
  if (config["auth.mode"] === "off") {
    const danger = "auth.mode is off: the whole network could use hearth without a key.";
    const advice = `Remove auth.mode from ${file}, then say it again.`;
    throw new HearthError("CONFIG_BAD_VALUE", danger, { param: "auth.mode", advice });
  }
  const { port } = config["server.listen"];
  // Before the service listens there: without any key it would not start.
  const key = await keyForLan(owned);
  let status: StatusReport;
  try {
    status = await tryValue(owned, command, "server.listen", JSON.stringify(`${everywhere}:${port}`));
  } catch (error) {
    await key.takeBack();
    throw error;
  }
  const announced = await announce(config["machine.root"], port);
  const listen: Address = { host: everywhere, port };
  // The certificate may be a credential of the service, of which the configuration says nothing.
  const links = pageLinks({ ...config, "server.listen": listen, "tls.self_signed": status.https }, key.key);
  const [byName = "", byAddress = byName] = links;
  const link = announced ? byName : byAddress;
  const urls = links.map((each) => each.replace(/\/#.*$/, ""));
  const value = { listen: formatAddress(listen), urls, key: key.key, keyName: key.name, link, announced };
  const isUnknownAuthority = status.https && config["tls.cert"] === "";
  const lines = [
    `The network may use hearth now, with this key:`,
    "",
    `  address  ${urls.join("\n           ")}`,
    `  key      ${key.key}`,
    "",
    announced
      ? "It is announced as a service of _http._tcp and _hearth._tcp (mDNS)."
      : "It is not announced by name: this machine has no avahi. To have that: sudo apt-get install avahi-daemon, then hearth lan on",
    "Browsers and programs on this machine need the key from now on, too.",
    `To try it:  curl ${isUnknownAuthority ? "--insecure " : ""}${urls.at(-1)}/v1/models -H "Authorization: Bearer ${key.key}"`,
    "More keys:  sudo hearth key create NAME      For this machine alone again:  hearth lan off",
    "",
  ];
  const code = process.stdout.isTTY ? `${qrText(link)}\n${link}\n` : `${link}\n`;
  print(owned.json, value, `${lines.join("\n")}\n${code}`);
}

async function turnOff(_flags: object, command: Command): Promise<void> {
  const owned = await ownedService(command);
  if (typeof owned === "number") process.exit(owned);
  checkChangeable(owned, "server.listen");
  const { config, json } = owned;
  const listen: Address = { host: "127.0.0.1", port: config["server.listen"].port };
  await tryValue(owned, command, "server.listen", JSON.stringify(formatAddress(listen)));
  await rm(path.join(config["machine.root"], announcementFile), { force: true });
  const text = `hearth listens on ${formatAddress(listen)}, for this machine alone. Keys stay for the next time: sudo hearth key list\n`;
  print(json, { listen: formatAddress(listen) }, text);
}

interface LanKey {
  readonly key: string;
  readonly name: string;
  /** Undoes what was made for it. */
  readonly takeBack: () => Promise<void>;
}

/** The package's first key where there is one; else a new one, as nobody can read one that was made before. */
async function keyForLan({ config, state }: OwnedService): Promise<LanKey> {
  const first = firstKeyOf(config["machine.root"]);
  if (first !== null) return { key: first, name: "the first key", takeBack: async () => {} };
  const file = new KeyFile(state, loadEngineModule());
  const names = new Set(file.keys().map(({ name }) => name));
  let name = keyName;
  for (let i = 2; names.has(name); i++) name = `${keyName}-${i}`;
  const wanted = { name, scopes: ["generate"] as const, requestsPerMinute: null, concurrentRequests: null };
  const { key, stored } = await file.create({ ...wanted, priority: "default" }, systemClock.wallTime());
  return { key, name, takeBack: async () => void (await file.revoke(stored.id)) };
}

/** Has avahi say that it is there; false without avahi. */
async function announce(root: string, port: number): Promise<boolean> {
  const file = path.join(root, announcementFile);
  if (!existsSync(path.dirname(path.dirname(file)))) return false;
  await mkdir(path.dirname(file), { recursive: true });
  await writeDurably(file, announcement(port), 0o644, { uid: 0, gid: 0 }); // avahi reads it, whatever the umask is
  return true;
}

function announcement(port: number): string {
  const service = (type: string) =>
    `  <service>\n    <type>${type}</type>\n    <port>${port}</port>\n    <txt-record>path=/</txt-record>\n  </service>\n`;
  return `<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<!-- Written by \`hearth lan on\`, removed by \`hearth lan off\`. -->
<service-group>
  <name replace-wildcards="yes">hearth on %h</name>
${service("_http._tcp")}${service("_hearth._tcp")}</service-group>
`;
}
