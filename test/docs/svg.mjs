/** Draws a recording of a terminal as an SVG that plays it: each piece of text appears at its time, and stays. */

const fontSize = 14;
const cellWidth = 8.4; // of the monospaced fonts that browsers choose, at that size
const lineHeight = 20;
const margin = 16;
const titleHeight = 28;
const colors = { background: "#1d2026", title: "#2a2e37", output: "#d7dae0", prompt: "#7fb069", typed: "#f2f3f5" };

/** Lines of parts, cut where the terminal wraps: [{ column, text, ms, kind }, ...]. Neighbours of one time and kind are one part. */
export function toLines(recording, columns) {
  const lines = [[]];
  let column = 0;
  for (const { ms, text, kind } of recording) {
    for (const letter of text) {
      if (letter === "\n" || column === columns) {
        lines.push([]);
        column = 0;
      }
      if (letter === "\n") continue;
      const line = lines.at(-1);
      const last = line.at(-1);
      if (last && last.ms === ms && last.kind === kind) last.text += letter;
      else line.push({ column, text: letter, ms, kind });
      column += 1;
    }
  }
  while (lines.length > 0 && lines.at(-1).length === 0) lines.pop();
  return lines;
}

const escapeMarkup = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export function toSvg(recording, { columns, title }) {
  const lines = toLines(recording, columns);
  const width = Math.ceil(columns * cellWidth + 2 * margin);
  const height = titleHeight + lines.length * lineHeight + 2 * margin;
  const rows = lines.map((line, index) => {
    const y = titleHeight + margin + (index + 0.75) * lineHeight;
    const parts = line.flatMap(({ column, text, ms, kind }) => {
      const shown = text.trim();
      if (shown === "") return [];
      const start = margin + (column + text.length - text.trimStart().length) * cellWidth;
      // The length makes fonts of another width fit the columns; a run of spaces would be drawn as one.
      const place = `x="${start.toFixed(1)}" y="${y}" textLength="${(shown.length * cellWidth).toFixed(1)}"`;
      const markup = escapeMarkup(shown).replaceAll("  ", "\u00a0\u00a0");
      return [`<text class="${kind}" ${place} style="animation-delay:${Math.round(ms)}ms">${markup}</text>`];
    });
    return parts.join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escapeMarkup(title)}</title>
<style>
text { font: ${fontSize}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; animation: appear 1ms both; }
.output { fill: ${colors.output}; } .prompt { fill: ${colors.prompt}; } .typed { fill: ${colors.typed}; }
@keyframes appear { from { opacity: 0; } to { opacity: 1; } }
@media (prefers-reduced-motion) { text { animation: none; } }
</style>
<rect width="${width}" height="${height}" rx="8" fill="${colors.background}"/>
<path d="M0 8a8 8 0 0 1 8-8h${width - 16}a8 8 0 0 1 8 8v${titleHeight - 8}h-${width}z" fill="${colors.title}"/>
<g fill="#6b7280"><circle cx="18" cy="14" r="5"/><circle cx="36" cy="14" r="5"/><circle cx="54" cy="14" r="5"/></g>
${rows.filter((row) => row !== "").join("\n")}
</svg>
`;
}
