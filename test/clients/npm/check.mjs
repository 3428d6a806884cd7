/** One check of a suite's script: it says its outcome in a line of JSON, which test/suites/outcomes.mjs reads. */

/** Why a check is not made. */
export class Skip extends Error {}

/**
 * Runs one check; a failed one does not keep the next from running. What the body returns is a figure to report, and a `Skip` that it
 * throws says why it was skipped.
 */
export async function check(name, body, limitSeconds = 120) {
  const say = (outcome, detail = "") => console.log(JSON.stringify({ check: name, outcome, detail }));
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${limitSeconds} s`)), limitSeconds * 1000);
  });
  try {
    say("passed", (await Promise.race([body(), late])) ?? "");
  } catch (error) {
    if (error instanceof Skip) {
      say("skipped", error.message);
      return;
    }
    console.error(error);
    say("failed", String(error?.message ?? error));
  } finally {
    clearTimeout(timer);
  }
}
