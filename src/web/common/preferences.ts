/** Small things that a browser keeps for the pages. A browser that keeps nothing, as in private windows, is no error. */

const prefix = "hearth.";

function read(storage: () => Storage, name: string): string | null {
  try {
    return storage().getItem(prefix + name);
  } catch {
    return null;
  }
}

/** null removes it. False where the browser keeps nothing. */
function write(storage: () => Storage, name: string, value: string | null): boolean {
  try {
    if (value === null) storage().removeItem(prefix + name);
    else storage().setItem(prefix + name, value);
    return true;
  } catch {
    return false;
  }
}

export type PreferenceName = "key" | "theme" | "language" | "keep" | "defaults";

/** Kept until somebody clears the browser's data. */
export const preferences = {
  get: (name: PreferenceName) => read(() => localStorage, name),
  set: (name: PreferenceName, value: string | null) => write(() => localStorage, name, value),
};

/** Kept for this tab, over a reload. */
export const tabMemory = {
  get: (name: string) => read(() => sessionStorage, name),
  set: (name: string, value: string | null) => write(() => sessionStorage, name, value),
};
