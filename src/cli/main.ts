#!/usr/bin/env -S node --max-semi-space-size=1
/** The `hearth` command as a process: its exit status is what the program says. */
import { systemConfig } from "./configuration.js";
import { runProgram } from "./program.js";

// Not only an exit code: a handle that something forgot must not keep a finished command alive.
process.exit(await runProgram(process.argv.slice(2), { systemConfig }));
