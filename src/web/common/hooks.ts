/** How components follow what changes. */
import { useEffect, useReducer } from "preact/hooks";
import type { Observable } from "./observable.js";

/** Renders the component again when one of `sources` changed, at most once a frame. null is nothing to follow. */
export function useChanges(...sources: readonly (Observable | null)[]): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let frame = 0;
    const follow = () => {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        render(undefined as never);
      });
    };
    const ends = sources.map((source) => source?.subscribe(follow));
    follow(); // it may have changed before the effect ran
    return () => {
      cancelAnimationFrame(frame);
      for (const end of ends) end?.();
    };
  }, sources);
}
