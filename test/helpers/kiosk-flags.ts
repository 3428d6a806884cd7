/** The flags that the unit of the console kiosk gives to Node. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./shared.js";

export function kioskFlags(): string[] {
  const unit = readFileSync(path.join(root, "systemd", "hearth-kiosk.service"), "utf8");
  const [, flags = ""] = /^ExecStart=\S+\/node (.*?) \S+main\.js kiosk/m.exec(unit) ?? [];
  return flags.split(" ");
}
