/** The control groups that test/box/boot.sh makes for a box. */
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import path from "node:path";

/** From the leaves up; one that is still in use stays for the next run. */
export function removeControlGroups() {
  const hierarchies = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  for (const group of hierarchies.map((each) => path.join(each, "hearth-box")).filter((each) => existsSync(each))) {
    const inner = readdirSync(group, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .sort((a, b) => b.length - a.length);
    for (const each of [...inner, group]) {
      try {
        rmdirSync(each);
      } catch {}
    }
  }
}
