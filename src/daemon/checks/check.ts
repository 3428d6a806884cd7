/** The form of a check of `hearth doctor`: what it looked at, what is wrong, the command that mends it, and what it could not see. */

/** `fault`: hearth does not work, or not as the configuration says. `advice`: it would work better. */
export type Severity = "fault" | "advice";

export interface Finding {
  /** The thing that was looked at: `memory`, `power`. */
  readonly check: string;
  readonly severity: Severity;
  /** A sentence. */
  readonly found: string;
  /** One command alone; or words that end with a full stop or hold commands, each in backticks. */
  readonly mend: string;
}

/** A fact about the machine that is in order, or only of interest. */
export interface Fact {
  readonly check: string;
  readonly text: string;
}

/** Something that is there and could not be looked at: nobody knows whether it is in order. */
export interface Unseen {
  readonly check: string;
  /** A sentence. */
  readonly why: string;
}

export interface CheckResult {
  readonly facts: readonly Fact[];
  readonly findings: readonly Finding[];
  readonly unseen: readonly Unseen[];
}

/** Collects what one check has to say. */
export class Report {
  readonly check: string;
  readonly facts: Fact[] = [];
  readonly findings: Finding[] = [];
  readonly unseen: Unseen[] = [];

  constructor(check: string) {
    this.check = check;
  }

  fact(text: string): void {
    this.facts.push({ check: this.check, text });
  }

  fault(found: string, mend: string): void {
    this.findings.push({ check: this.check, severity: "fault", found, mend });
  }

  advice(found: string, mend: string): void {
    this.findings.push({ check: this.check, severity: "advice", found, mend });
  }

  unknown(why: string): void {
    this.unseen.push({ check: this.check, why });
  }
}
