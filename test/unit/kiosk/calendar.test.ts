import assert from "node:assert/strict";
import test from "node:test";
import { dateText, dayText, timeText } from "../../../src/kiosk/calendar.js";

test("time and day are written as people of each language write them, at every hour and in every month", () => {
  const plain = (text: string) => text.replaceAll("\u202f", " ");
  for (let step = 0; step < 400; step++) {
    const now = new Date(2026, 0, 1 + step, (step * 5) % 24, (step * 7) % 60);
    for (const language of ["en", "de"] as const) {
      const time = (hour: "2-digit" | "numeric") =>
        plain(now.toLocaleTimeString(language, { hour, minute: "2-digit" }));
      assert.equal(timeText(now, language, true), time("2-digit"));
      assert.equal(timeText(now, language), time("numeric"));
      assert.equal(dayText(now, language), now.toLocaleDateString(language, { weekday: "long" }));
      const date = now.toLocaleDateString(language, { weekday: "long", day: "numeric", month: "long" });
      assert.equal(dateText(now, language), date);
    }
  }
});
