/** Writes completion scripts for shells from the commands themselves, so that they never know other ones. Pure. */
import type { Command, Option } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The words that may come next after a command's own. */
interface Place {
  /** The command's words without the program's: empty, `models`, `models pull`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Arguments may be files. */
  readonly takesFiles: boolean;
}

interface Word {
  readonly word: string;
  readonly about: string;
}

export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, []);
  const name = program.name();
  if (shell === "bash") return bash(name, places);
  return shell === "zsh" ? zsh(name, places) : fish(name, places);
}

function placesOf(command: Command, path: readonly string[]): Place[] {
  const inner = command.commands.filter((each) => each.name() !== "help");
  const words = [
    ...inner.map((each) => ({ word: each.name(), about: each.description() })),
    ...command.options.flatMap(wordsOf),
    { word: "--help", about: "what it takes" },
    ...(path.length > 0 ? [{ word: "--json", about: "print one JSON object" }] : []),
  ];
  const own = { path: path.join(" "), words, takesFiles: inner.length === 0 && command.registeredArguments.length > 0 };
  return [own, ...inner.flatMap((each) => placesOf(each, [...path, each.name()]))];
}

function wordsOf({ long, description }: Option): Word[] {
  return long ? [{ word: long, about: description }] : [];
}

/** The command's words are those before the cursor that are no flags. */
function bash(name: string, places: readonly Place[]): string {
  const cases = places.map(
    ({ path, words, takesFiles }) =>
      `    ${quoted(path)}) words=${quoted(words.map(({ word }) => word).join(" "))}; files=${takesFiles ? 1 : 0} ;;`,
  );
  return `# Completion of ${name} for bash, written by \`${name} completion bash\`.
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= words= files=1 known=${quoted(`|${places.map(({ path }) => path).join("|")}|`)} i word
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] && continue
    [[ $known == *"|\${path:+$path }$word|"* ]] || break
    path="\${path:+$path }$word"
  done
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ $files == 1 && $current != -* ]]; then
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _${name} ${name}
`;
}

function zsh(name: string, places: readonly Place[]): string {
  const cases = places.map(({ path, words, takesFiles }) => {
    const described = words.map(({ word, about }) => quoted(`${word}:${about}`.replaceAll("\n", " "))).join(" ");
    return `    ${quoted(path)}) words_here=(${described}); files=${takesFiles ? 1 : 0} ;;`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh, written by \`${name} completion zsh\`.
_${name}() {
  local path_here= word files=1 known=${quoted(`|${places.map(({ path }) => path).join("|")}|`)}
  local -a words_here
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] && continue
    [[ $known == *"|\${path_here:+$path_here }$word|"* ]] || break
    path_here="\${path_here:+$path_here }$word"
  done
  case $path_here in
${cases.join("\n")}
  esac
  _describe -t commands ${name} words_here
  (( files )) && _files
  return 0
}
_${name} "$@"
`;
}

function fish(name: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, takesFiles }) => {
    const condition = `-n ${quoted(`__${name}_at ${quoted(path)}`)}`;
    const files = takesFiles ? [] : [`complete -c ${name} -f ${condition}`];
    return [
      ...files,
      ...words.map(({ word, about }) => {
        const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c ${name} ${condition} ${what} -d ${quoted(about)}`;
      }),
    ];
  });
  return `# Completion of ${name} for fish, written by \`${name} completion fish\`.
function __${name}_at
  set -l known ${places.map(({ path }) => quoted(path)).join(" ")}
  set -l path ""
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and continue
    set -l longer (string trim -- "$path $word")
    contains -- $longer $known; or break
    set path $longer
  end
  test "$path" = "$argv[1]"
end
${lines.join("\n")}
`;
}

/** In single quotes, as all three shells read them; a quote itself is left out, for they differ in how to write one. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "").replaceAll("\\", "")}'`;
}
