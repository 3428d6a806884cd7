/** Hours of the day in which the board is to be quiet. Pure. */

/** Whether one of the spans, `22:30-07:00`, holds the moment, in the machine's own time. A span ends before its last minute. */
export function isQuiet(spans: readonly string[], at: Date): boolean {
  const minute = at.getHours() * 60 + at.getMinutes();
  return spans.some((span) => {
    const [from = 0, to = 0] = span.split("-").map(minuteOf);
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  });
}

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}
