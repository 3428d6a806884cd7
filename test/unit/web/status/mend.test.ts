import assert from "node:assert/strict";
import test from "node:test";
import { piecesOf } from "../../../../src/web/status/mend.js";

const command = (text: string) => ({ isCommand: true, text });
const words = (text: string) => ({ isCommand: false, text });

test("a mend is one command, or words with their commands in backticks", () => {
  assert.deepEqual(piecesOf("sudo systemctl enable hearthd"), [command("sudo systemctl enable hearthd")]);
  assert.deepEqual(piecesOf("Give the board a fan."), [words("Give the board a fan.")]);
  assert.deepEqual(piecesOf("`hearth models list`, then `sudo hearth models rm NAME`; or `sudo apt-get clean`."), [
    command("hearth models list"),
    words("then"),
    command("sudo hearth models rm NAME"),
    words("or"),
    command("sudo apt-get clean"),
  ]);
  assert.deepEqual(piecesOf("Use its own supply, then `sudo reboot`."), [
    words("Use its own supply, then"),
    command("sudo reboot"),
  ]);
});
