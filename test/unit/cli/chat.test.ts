import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { chatLine, completions, helpText } from "../../../src/cli/chat-commands.js";
import { Conversation } from "../../../src/cli/chat-conversation.js";
import { ChatHistory, historyFile } from "../../../src/cli/chat-history.js";
import { AnswerWriter } from "../../../src/cli/chat-writer.js";
import { PasteFinder } from "../../../src/cli/terminal-input.js";
import { temporaryFolder } from "../../helpers/folder.js";
import { Screen } from "../../helpers/screen.js";

test("a line of a chat is a message or a command, with the words of other programs for the same", () => {
  assert.deepEqual(chatLine("Hello /help"), { type: "message", text: "Hello /help" });
  assert.deepEqual(chatLine("//etc is a folder"), { type: "message", text: "/etc is a folder" });
  assert.deepEqual(chatLine("/system Be kind\nand short "), {
    type: "command",
    command: "/system",
    value: "Be kind\nand short",
  });
  assert.deepEqual(chatLine("/bye"), { type: "command", command: "/quit", value: "" });
  assert.deepEqual(chatLine("/constructor"), { type: "unknown", word: "/constructor" });
  assert.deepEqual(completions("/s"), ["/system", "/save"]);
  assert.deepEqual(completions("no"), []);
  for (const word of ["/help", "/new", "/system", "/model", "/save", "/quit"]) assert.ok(helpText().includes(word));
});

test("a paste is found in whatever pieces it comes, and other keys pass", () => {
  const keys = "ab\x1b[A\x1b[200~one\ntwo\x1b[201~c\x1b\rd\x1b";
  for (let size = 3; size <= keys.length; size++) {
    const pastes: string[] = [];
    const finder = new PasteFinder({
      onInterrupt: () => {},
      onPaste: (text) => `<${pastes.push(text)}>`,
      lineBreak: "⏎",
    });
    let typed = "";
    // Terminals send a key's sequence in one piece; here it is cut wherever that leaves its Escape a neighbour.
    for (let i = 0; i < keys.length; i += size) typed += finder.take(keys.slice(i, i + size));
    if (typed.includes("\x1b[200")) continue; // cut behind a lone Escape, which is a key
    assert.deepEqual(pastes, ["one\ntwo"], `pieces of ${size}`);
    assert.match(typed.replaceAll("\x1b", "^"), /^ab\^\[A<1>c(⏎|\^\r)d\^$/);
  }
  const whole = new PasteFinder({ onInterrupt: () => {}, onPaste: (text) => `<${text}>`, lineBreak: "⏎" });
  assert.equal(whole.take(keys), "ab\x1b[A<one\ntwo>c⏎d\x1b");
});

test("history is kept for later runs in a file for its user alone, the newest first, without repeats", (t) => {
  const file = historyFile({ XDG_STATE_HOME: temporaryFolder(t) }) ?? "";
  const first = new ChatHistory(file);
  assert.equal(first.load(), null);
  for (const message of ["one", "two\nlines", "two\nlines", "x".repeat(5000)]) assert.equal(first.add(message), null);
  const second = new ChatHistory(file);
  second.load();
  assert.deepEqual(second.messages, ["two\nlines", "one"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
});

test("history stays short however much is typed, and what is no history in its file is left out", (t) => {
  const file = path.join(temporaryFolder(t), "history");
  writeFileSync(file, 'nonsense\n{"a":1}\n"kept"\n', { mode: 0o644 });
  const history = new ChatHistory(file);
  history.load();
  assert.deepEqual(history.messages, ["kept"]);
  for (let i = 0; i < 2600; i++) history.add(`message ${i}`);
  assert.equal(history.messages.length, 1000);
  assert.ok(readFileSync(file, "utf8").split("\n").length < 1250);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = new ChatHistory(file);
  again.load();
  assert.deepEqual(again.messages.slice(0, 2), ["message 2599", "message 2598"]);
});

test("a history that cannot be kept is said and does not end the chat; without a home there is none", (t) => {
  const file = path.join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  assert.match(new ChatHistory(path.join(file, "history")).add("x") ?? "", /ENOTDIR|EEXIST/);
  assert.equal(historyFile({}), null);
  assert.equal(
    historyFile({ HOME: "/home/a", XDG_STATE_HOME: "relative" }),
    "/home/a/.local/state/hearth/chat-history",
  );
});

test("a conversation is saved as Markdown or JSON, for its user alone, and over no other file", async (t) => {
  const folder = temporaryFolder(t);
  const conversation = new Conversation();
  conversation.instructions = "Be kind";
  conversation.add("Hello", "Hi!");
  conversation.add("Unanswered", " ");
  const file = await conversation.save(path.join(folder, "a.md"), "spark");
  assert.equal(readFileSync(file, "utf8"), "## System\n\nBe kind\n\n## You\n\nHello\n\n## spark\n\nHi!\n");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await assert.rejects(conversation.save(file, "spark"), { code: "COMMAND_INVALID" });
  const json = await conversation.save(path.join(folder, "a.json"), "spark");
  const { model, instructions, messages } = JSON.parse(readFileSync(json, "utf8"));
  assert.deepEqual([model, instructions, messages.length], ["spark", "Be kind", 2]);
  await assert.rejects(conversation.save(path.join(folder, "no", "a.md"), "spark"), { code: "FILE_OPEN_FAILED" });
  assert.deepEqual(
    conversation.messagesFor("More").map(({ role }) => role),
    ["system", "user", "assistant", "user"],
  );
});

function writer(options: { isTerminal?: boolean; hasStyles?: boolean } = {}) {
  const screen = new Screen(60, 12);
  let raw = "";
  let now = 0;
  const wait = (ms: number) => {
    now += ms;
  };
  const written = new AnswerWriter({
    write: (text) => {
      raw += text;
      screen.write(text.replaceAll("\n", "\r\n"));
    },
    isTerminal: true,
    hasStyles: true,
    columns: () => 60,
    now: () => now,
    ...options,
  });
  return { screen, writer: written, raw: () => raw, wait };
}

const end = { reason: "stop", tokens: 3, promptTokens: 9 } as const;

test("an answer is shown as it comes, with its speed at the end; waiting gives way to it", () => {
  const { screen, writer: answer, wait } = writer();
  wait(500);
  answer.take({ type: "queued", position: 2 });
  assert.match(screen.text, /^waiting: place 2 in the queue$/);
  answer.take({ type: "reading", read: 5, total: 900 });
  assert.match(screen.text, /^reading the prompt: 5 of 900 tokens$/);
  wait(500);
  for (const text of ["\n", "Hello ", "world"]) {
    answer.take({ type: "text", text });
    wait(100);
  }
  answer.end(end);
  assert.equal(screen.text, "Hello world\n[3 tokens, 10 tokens/s, the first after 1.0 s]");
  assert.equal(answer.text, "\nHello world");
});

test("reasoning is dim, or folded where nothing can be dim, and not in a pipe", () => {
  const say = (options: { isTerminal?: boolean; hasStyles?: boolean }) => {
    const made = writer(options);
    made.wait(500);
    made.writer.take({ type: "reasoning", text: "Hm.\x1b[2J" });
    const during = made.screen.text;
    made.wait(500);
    made.writer.take({ type: "text", text: "Yes." });
    made.writer.end(end);
    return { raw: made.raw(), during, text: made.screen.text };
  };
  const dim = say({});
  assert.ok(dim.raw.includes("\x1b[2mHm.␛[2J\x1b[22m\n\nYes."), JSON.stringify(dim.raw));
  const plain = say({ hasStyles: false });
  assert.equal(plain.during, "thinking");
  assert.match(plain.text, /^Yes\.\n\[3 tokens/);
  assert.ok(!plain.raw.includes("\x1b[2m"));
  assert.equal(say({ isTerminal: false, hasStyles: false }).raw, "Yes.\n");
});

test("escape sequences of a model are text, on a terminal and in a pipe", () => {
  for (const isTerminal of [true, false]) {
    const { writer: answer, raw } = writer({ isTerminal, hasStyles: isTerminal });
    answer.take({ type: "text", text: "\x1b]52;c;aGk=\x07\x1b[31mred\u202e" });
    answer.end(null);
    assert.ok(raw().startsWith("␛]52;c;aGk=␇␛[31mred⟨U+202E⟩\n"), JSON.stringify(raw()));
  }
});
