/** `hearth key`: makes, lists and revokes the API keys of the LAN endpoint. A running daemon sees the change at once. */
import { Command } from "commander";
import { type Scope, scopes } from "../base/api-key.js";
import { systemClock } from "../base/clock.js";
import { type Priority, priorities } from "../base/demand.js";
import { HearthError } from "../base/errors.js";
import type { Config } from "../config/options.js";
import { loadEngineModule } from "../engine/binding.js";
import { KeyFile, type StoredKey } from "../store/key-file.js";
import { integerBetween } from "./arguments.js";
import { configurationOf } from "./configuration.js";
import { print, printed } from "./models-store.js";
import { pageLinks } from "./page-links.js";
import { qrText } from "./qr-text.js";
import { daemonStatus } from "./running-daemon.js";

interface CreateFlags {
  readonly scope: readonly Scope[];
  readonly requestsPerMinute?: number;
  readonly concurrent?: number;
  readonly priority?: Priority;
  readonly link?: true;
}

export function keyCommand(): Command {
  const command = new Command("key").description("API keys of the LAN endpoint");
  command
    .command("create")
    .description("make a key and print it, this once")
    .argument("<name>", "what the key is for, such as home-assistant")
    .option("--scope <scopes>", `what it may do, with commas between: ${scopes.join(", ")}`, parseScopes, ["generate"])
    .option(
      "--requests-per-minute <n>",
      "instead of the configuration's",
      integerBetween("--requests-per-minute", 1, 1e6),
    )
    .option("--concurrent <n>", "requests at the same time", integerBetween("--concurrent", 1, 4096))
    .option("--link", "print links to the chat page that let a browser in, and a QR code of the first on a terminal")
    .option("--priority <level>", `how urgent its requests are: ${priorities.join(", ")}`, parsePriority)
    .action(create);
  command.command("list").description("show the keys, without what they are").action(list);
  command
    .command("revoke")
    .description("refuse a key from now on")
    .argument("<name>", "a key's name or id")
    .action(revoke);
  return command;
}

async function create(name: string, flags: CreateFlags, self: Command): Promise<void> {
  const wanted = {
    name,
    scopes: flags.scope,
    requestsPerMinute: flags.requestsPerMinute ?? null,
    concurrentRequests: flags.concurrent ?? null,
    priority: flags.priority ?? "default",
  };
  const { file, isOfService, config } = keyFile(self);
  const { key, stored } = await file.create(wanted, systemClock.wallTime());
  // The certificate may be a credential of the service, of which the configuration says nothing.
  const running = flags.link ? await daemonStatus(config).catch(() => null) : null;
  const links = flags.link ? pageLinks({ ...config, ...(running?.https && { "tls.self_signed": true }) }, key) : [];
  const picture = process.stdout.isTTY && links[0] !== undefined ? `\n${qrText(links[0])}\n` : "";
  const text = `${[key, ...links].join("\n")}\n${picture}`;
  try {
    await printed(isJson(self), { key, ...(flags.link && { links }), ...withoutHash(stored), file: file.path }, text);
  } catch (error) {
    await file.revoke(stored.id); // nobody has seen it, and nobody can any more
    throw error;
  }
  if (isOfService) say(self, `${stored.name} is in the service's ${file.path}`);
}

function list(_flags: object, self: Command): void {
  const keys = keyFile(self).file.keys();
  const lines = keys.map(({ id, name, scopes, requestsPerMinute, concurrentRequests, priority, createdAt }) => {
    const limits = [
      requestsPerMinute === null ? "" : `  ${requestsPerMinute} requests/minute`,
      concurrentRequests === null ? "" : `  ${concurrentRequests} at once`,
      priority === undefined || priority === "default" ? "" : `  ${priority} priority`,
    ];
    const made = new Date(createdAt).toISOString().slice(0, 10);
    return `${id}  ${name.padEnd(24)}  ${scopes.join(",").padEnd(14)}  ${made}${limits.join("")}\n`;
  });
  print(isJson(self), keys.map(withoutHash), lines.join(""));
}

async function revoke(name: string, _flags: object, self: Command): Promise<void> {
  const { file, isOfService } = keyFile(self);
  const revoked = await file.revoke(name);
  const text = `revoked ${revoked.id} ${revoked.name}\n`;
  print(isJson(self), { ...withoutHash(revoked), file: file.path }, text);
  if (isOfService) say(self, `${revoked.name} is no longer in the service's ${file.path}`);
}

function keyFile(self: Command): { file: KeyFile; isOfService: boolean; config: Config } {
  const { state, isOfService, config } = configurationOf(self);
  return { file: new KeyFile(state, loadEngineModule()), isOfService, config };
}

function isJson(self: Command): boolean {
  return self.optsWithGlobals().json === true;
}

/** For whoever watches: which store was written to. stdout is for the result alone. */
function say(self: Command, text: string): void {
  if (!isJson(self)) process.stderr.write(`${text}\n`);
}

function withoutHash({ hash: _hash, ...shown }: StoredKey): Omit<StoredKey, "hash"> {
  return shown;
}

function parsePriority(text: string): Priority {
  const priority = priorities.find((known) => known === text);
  if (priority) return priority;
  throw new HearthError(
    "COMMAND_INVALID",
    `--priority takes ${priorities.join(", ")}, not ${JSON.stringify(text.slice(0, 40))}.`,
  );
}

function parseScopes(text: string): Scope[] {
  return text.split(",").map((word) => {
    const scope = scopes.find((known) => known === word.trim());
    if (scope) return scope;
    throw new HearthError(
      "COMMAND_INVALID",
      `--scope takes ${scopes.join(" and ")}, not ${JSON.stringify(word.slice(0, 40))}.`,
    );
  });
}
