/** The `hearth` program with another place for the service's configuration: program.ts FILE ARGS... */
import { runProgram } from "../../src/cli/program.js";

const [systemConfig = "", ...args] = process.argv.slice(2);
process.exit(await runProgram(args, { systemConfig }));
