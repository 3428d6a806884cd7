/** Words of other programs for the same job, above all Ollama's, and what they are called here. Pure. */
import { HearthError } from "../base/errors.js";

/** By the word: what to do instead. */
export const hints: Readonly<Record<string, string>> = {
  pull: "`hearth models pull NAME` downloads a model.",
  list: "`hearth models list` shows the models.",
  ls: "`hearth models list` shows the models.",
  show: "`hearth models show NAME` says what a model is.",
  rm: "`hearth models rm NAME` removes a model.",
  remove: "`hearth models rm NAME` removes a model.",
  delete: "`hearth models rm NAME` removes a model.",
  import: "`hearth models import FILE` copies a model into the store.",
  verify: "`hearth models verify` reads the models again.",
  create: "`hearth models import FILE` copies a GGUF file into the store; --alias gives it another name.",
  cp: "`hearth models import FILE --alias NAME` gives a model another name, and so does POST /api/copy.",
  copy: "`hearth models import FILE --alias NAME` gives a model another name, and so does POST /api/copy.",
  push: "hearth uploads nothing.",
  signin: "hearth needs no account.",
  signout: "hearth needs no account.",
  login: "hearth needs no account; HF_TOKEN is the token for gated models.",
  ps: "`hearth status` shows the models that are loaded.",
  find: "`hearth models find` shows models that fit this board.",
  switch: "`hearth use NAME` gives the service another model.",
  upgrade: "`hearth update FILE.deb` installs another version.",
  log: "`hearth logs` shows the service's log.",
  check: "`hearth doctor` says what is wrong with this machine.",
  stop: "`systemctl stop hearthd` stops the service; a model goes by itself when nobody asked for it for a while.",
  start: "`hearth serve` runs the daemon, `systemctl start hearthd` the service.",
  restart: "`systemctl restart hearthd` restarts the service.",
  talk: "`hearth chat` is a conversation.",
  generate: "`hearth run MODEL` answers a prompt.",
  ask: "`hearth run MODEL` answers a prompt.",
  keys: "`hearth key list` shows the keys.",
  model: "`hearth models` has the commands of the store.",
  tokenize: "`hearth debug tokenize MODEL` prints token ids.",
  logits: "`hearth debug logits MODEL` writes logits.",
  config: "`hearth serve --print-config` prints the configuration.",
  benchmark: "`hearth bench` measures the speed.",
};

/** The error for a command that hearth has under another name; null for a word that nobody uses. */
export function meantCommand(word: string): HearthError | null {
  const advice = Object.hasOwn(hints, word) ? hints[word] : undefined;
  if (advice === undefined) return null;
  return new HearthError("COMMAND_INVALID", `Unknown command '${word}'.`, { advice });
}
