/** The form of a check of `hearth doctor`: what it looked at, what is wrong, and the command that mends it. */

/** `fault`: hearth does not work, or not as the configuration says. `advice`: it would work better. */
export type Severity = "fault" | "advice";

export interface Finding {
  /** The thing that was looked at: `memory`, `power`. */
  readonly check: string;
  readonly severity: Severity;
  /** A sentence. */
  readonly found: string;
  /** A command, or the line of a file where no command can do it. */
  readonly mend: string;
}

/** A fact about the machine that is in order, or only of interest. */
export interface Fact {
  readonly check: string;
  readonly text: string;
}

export interface CheckResult {
  readonly facts: readonly Fact[];
  readonly findings: readonly Finding[];
}

/** Collects what one check has to say. */
export class Report {
  readonly #check: string;
  readonly facts: Fact[] = [];
  readonly findings: Finding[] = [];

  constructor(check: string) {
    this.#check = check;
  }

  fact(text: string): void {
    this.facts.push({ check: this.#check, text });
  }

  fault(found: string, mend: string): void {
    this.findings.push({ check: this.#check, severity: "fault", found, mend });
  }

  advice(found: string, mend: string): void {
    this.findings.push({ check: this.#check, severity: "advice", found, mend });
  }
}
