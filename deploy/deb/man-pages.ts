/** Writes the manual pages from the commands themselves and from the table of options, so that they never say anything else. */
import { type Command, Help, type Option } from "commander";
import { exitStatus } from "../../src/cli/exit-status.js";
import { buildProgram } from "../../src/cli/program.js";
import { optionKeys, optionOf } from "../../src/config/options.js";

const configuration = "/etc/hearth/hearth.toml";

/** The text of each page, by its file's name. `date`: of the source, as 2026-12-31. */
export async function manualPages(version: string, date: string): Promise<Record<string, string>> {
  const program = await buildProgram([], { systemConfig: configuration });
  const title = (name: string, section: number) => `.TH ${name} ${section} ${date} "hearth ${version}"\n`;
  const pages: Record<string, string> = { "hearth.1": title("HEARTH", 1) + overview(program) };
  for (const command of program.commands) {
    const name = `hearth-${command.name()}`;
    pages[`${name}.1`] = title(name.toUpperCase(), 1) + commandPage(name, command);
  }
  pages["hearth.toml.5"] = title("HEARTH.TOML", 5) + optionsPage();
  pages["hearthd.8"] = title("HEARTHD", 8) + servicePage();
  return pages;
}

function overview(program: Command): string {
  const commands = program.commands.map((command) =>
    item(
      bold(`hearth ${command.name()}`),
      `${text(command.description())} See ${reference(`hearth-${command.name()}`, 1)}.`,
    ),
  );
  return [
    section("NAME", `hearth \\- ${text(lowered(program.description()))}`),
    section("SYNOPSIS", `${bold("hearth")} [\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...`),
    section(
      "DESCRIPTION",
      paragraphs(
        text(
          `${program.description()}. The service is hearthd; hearth is its command, and works on the service's models, keys and configuration where there is a service.`,
        ),
      ),
    ),
    section("COMMANDS", commands.join("")),
    section("OPTIONS", options(program)),
    exitSection(),
    filesSection(),
    section("SEE ALSO", `${reference("hearthd", 8)}, ${reference("hearth.toml", 5)}`),
  ].join("");
}

function commandPage(name: string, command: Command): string {
  const inner = command.commands.map((each) =>
    item(
      `${bold(`hearth ${command.name()} ${each.name()}`)} ${text(usageOf(each))}`,
      text(each.description()),
      nested(options(each)),
    ),
  );
  return [
    section("NAME", `${text(name)} \\- ${text(command.description())}`),
    section("SYNOPSIS", `${bold(`hearth ${command.name()}`)} ${text(usageOf(command))}`),
    section("DESCRIPTION", text(`${raised(command.description())}.`)),
    inner.length > 0 ? section("COMMANDS", inner.join("")) : "",
    section("OPTIONS", options(command) + item(bold("--json"), "Print results and errors as one JSON object.")),
    exitSection(),
    section("SEE ALSO", `${reference("hearth", 1)}, ${reference("hearth.toml", 5)}`),
  ].join("");
}

function optionsPage(): string {
  const items = optionKeys.map((key) => {
    const { doc, kind, env, flag, default: fallback } = optionOf(key);
    const names = [env, ...(flag === undefined ? [] : [`--${flag}`])].join(" or ");
    return item(bold(key), text(`${doc} Takes ${kind.expects}. Default: ${kind.show(fallback)}. Also ${names}.`));
  });
  return [
    section("NAME", "hearth.toml \\- configuration of hearth"),
    section("SYNOPSIS", text(configuration)),
    section(
      "DESCRIPTION",
      paragraphs(
        text(
          "A TOML file. An option such as server.listen is the line listen of the table [server], or server.listen before any table. Variables of the environment and flags win over the file. `hearth serve --print-config` prints each option with its value and where that comes from.",
        ),
        text(
          "The service reads it when it starts. After `systemctl reload hearthd` keys, limits, hosts, origins, upstreams, pinned prompts and what is logged are those of the file; the log says which changes need a restart.",
        ),
      ),
    ),
    section("OPTIONS", items.join("")),
    section("SEE ALSO", `${reference("hearth", 1)}, ${reference("hearthd", 8)}`),
  ].join("");
}

function servicePage(): string {
  return [
    section("NAME", "hearthd \\- language models on this board, as a service"),
    section(
      "SYNOPSIS",
      paragraphs(bold("systemctl status hearthd"), bold("systemctl reload hearthd"), bold("journalctl -u hearthd")),
    ),
    section(
      "DESCRIPTION",
      paragraphs(
        text(
          "hearthd.service serves models over HTTP and WebSockets in the protocols of OpenAI and Ollama. It runs as the user hearth in a sandbox. hearthd.socket holds its address, so that requests wait while the service starts; the address is that of the configuration at boot and at `systemctl daemon-reload`.",
        ),
        text(
          "The first installation makes an API key for machines of the network, and leaves it in /etc/hearth/credentials/api-keys, which only root can read. Each line of that file is a key; more are made with `hearth key create`. tls-cert.pem and tls-key.pem in that folder serve HTTPS.",
        ),
        text(
          "hearth-kiosk.service shows texts on the first console in place of its login, once it is enabled: `systemctl enable --now hearth-kiosk`.",
        ),
        text("An upgrade that does not become ready is undone: dpkg puts the version before back, and says so."),
      ),
    ),
    exitSection(),
    filesSection(),
    section("SEE ALSO", `${reference("hearth", 1)}, ${reference("hearth.toml", 5)}, ${reference("systemctl", 1)}`),
  ].join("");
}

function exitSection(): string {
  const meanings: Record<keyof typeof exitStatus, string> = {
    done: "Done.",
    bug: "A bug of hearth.",
    wrong: "A wrong command, configuration or model: trying again does not help.",
    unclean: "Stopped before running answers had ended.",
    later: "Try again later.",
  };
  const items = Object.entries(exitStatus).map(([name, status]) =>
    item(bold(String(status)), meanings[name as keyof typeof exitStatus]),
  );
  return section("EXIT STATUS", items.join(""));
}

function filesSection(): string {
  const files = {
    [configuration]: "The configuration.",
    "/etc/hearth/credentials": "Keys and certificates, which systemd hands to the service.",
    "/var/lib/hearth": "Models, keys, stored responses, kept prompts.",
  };
  return section(
    "FILES",
    Object.entries(files)
      .map(([file, what]) => item(`\\fI${text(file)}\\fR`, what))
      .join(""),
  );
}

function usageOf(command: Command): string {
  return command.usage().replace("[command]", "COMMAND");
}

function options(command: Command): string {
  const help = new Help();
  return help
    .visibleOptions(command)
    .map((option: Option) => item(bold(option.flags), text(`${raised(help.optionDescription(option))}.`)))
    .join("");
}

const section = (name: string, body: string) => `.SH ${name}\n${body.trimEnd()}\n`;
const paragraphs = (...parts: string[]) => parts.join("\n.PP\n");
const item = (term: string, ...body: string[]) => `.TP\n${term}\n${body.filter((part) => part !== "").join("\n")}\n`;
const nested = (body: string) => (body === "" ? "" : `.RS\n${body.trimEnd()}\n.RE`);
const bold = (words: string) => `\\fB${text(words)}\\fR`;
const reference = (name: string, section: number) => `${bold(name)}(${section})`;
const lowered = (sentence: string) => sentence.charAt(0).toLowerCase() + sentence.slice(1);
const raised = (sentence: string) => sentence.charAt(0).toUpperCase() + sentence.slice(1).replace(/\.$/, "");

/** Escapes what means something to roff: backslashes, hyphens, and a dot or quote that begins a line. */
function text(plain: string): string {
  return plain
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/\s+/g, " ")
    .replace(/^([.'])/, "\\&$1");
}
