/** `hearth completion`: a shell's completion of the commands and flags. */
import { Command } from "commander";
import { HearthError } from "../base/errors.js";
import { completionScript, shells } from "./completion-script.js";

/** `loadProgram`: with all commands, as this one is loaded alone. */
export function completionCommand(loadProgram: () => Promise<Command>): Command {
  return new Command("completion")
    .description("print the completion of hearth for a shell")
    .argument("<shell>", shells.join(", "))
    .addHelpText("after", help)
    .action(async (name: string) => {
      const shell = shells.find((known) => known === name);
      if (!shell) {
        const named = JSON.stringify(name.slice(0, 40));
        throw new HearthError("COMMAND_INVALID", `completion takes ${shells.join(", ")}, not ${named}.`);
      }
      process.stdout.write(completionScript(shell, await loadProgram()));
    });
}

const help = `
To have it in each new shell:
  bash   hearth completion bash > ~/.local/share/bash-completion/completions/hearth
  zsh    hearth completion zsh > "\${fpath[1]}/_hearth"
  fish   hearth completion fish > ~/.config/fish/completions/hearth.fish
`;
