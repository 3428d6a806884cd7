/** Renders what changes within `change` before it returns, rather than after the task: for work that has a limit of time. */
import { options } from "preact";

export function renderNow(change: () => void): void {
  const { debounceRendering } = options;
  options.debounceRendering = (render) => render();
  try {
    change();
  } finally {
    if (debounceRendering) options.debounceRendering = debounceRendering;
    else delete options.debounceRendering;
  }
}
