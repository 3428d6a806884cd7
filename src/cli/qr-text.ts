/** A QR code as text for a terminal: two rows of modules to a line, dark on light whatever the terminal's colours are. Pure. */
import { encode } from "uqr";

/** Modules of light around the code, without which readers do not find it (ISO/IEC 18004). */
const quietZone = 4;
const darkOnLight = "\x1b[30;107m";
const reset = "\x1b[0m";

/** `text`: at most some 2,000 letters. */
export function qrText(text: string): string {
  const { data: modules } = encode(text, { ecc: "L", border: quietZone });
  const lines: string[] = [];
  for (let row = 0; row < modules.length; row += 2) {
    const upper = modules[row] ?? [];
    const lower = modules[row + 1] ?? [];
    const cells = upper.map((dark, column) => block(dark, lower[column] ?? false)).join("");
    lines.push(`${darkOnLight}${cells}${reset}`);
  }
  return `${lines.join("\n")}\n`;
}

function block(upper: boolean, lower: boolean): string {
  if (upper && lower) return "█";
  if (upper) return "▀";
  return lower ? "▄" : " ";
}
