/** Formulas as MathML, which browsers lay out themselves. The library is loaded when the first one comes. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

type Render = (text: string, element: HTMLElement, display: boolean) => void;

let loading: Promise<void> | null = null;
let render: Render | null = null;

function load(): Promise<void> {
  loading ??= import("temml").then(({ default: temml }) => {
    // Nothing that leads elsewhere or takes classes; a formula that is wrong is shown as it was written.
    const limits = { trust: false, throwOnError: true, maxExpand: 200, maxSize: [10, 20] as [number, number] };
    render = (text, element, displayMode) => temml.render(text, element, { ...limits, displayMode });
  });
  return loading;
}

/** Longer ones are no formulas. */
const longest = 2000;

export function Formula({ text, display }: { text: string; display: boolean }) {
  const place = useRef<HTMLElement>(null);
  const [isLoaded, setLoaded] = useState(render !== null);
  useEffect(() => {
    if (!isLoaded && text.length <= longest)
      load().then(
        () => setLoaded(true),
        () => {},
      );
  }, [isLoaded, text]);
  // Made with the text around it and not later, so that nothing moves.
  const element = useMemo(() => (isLoaded ? elementOf(text, display) : null), [isLoaded, text, display]);
  useLayoutEffect(() => place.current?.replaceChildren(...(element ? [element] : [])), [element]);
  return (
    <span class={display ? "formula display" : "formula"}>
      <span ref={place} />
      {!element && <code>{text}</code>}
    </span>
  );
}

/** null for what is no formula: it stays as it was written. */
function elementOf(text: string, display: boolean): HTMLElement | null {
  if (text.length > longest) return null;
  try {
    const element = document.createElement("span");
    render?.(text, element, display);
    return element;
  } catch {
    return null;
  }
}
