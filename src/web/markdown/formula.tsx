/** Formulas as MathML, which browsers lay out themselves. The library is loaded when the first one comes. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";

type Render = (text: string, element: HTMLElement, display: boolean) => void;

let loading: Promise<Render> | null = null;

function load(): Promise<Render> {
  loading ??= import("temml").then(({ default: temml }) => (text, element, displayMode) => {
    // Nothing that leads elsewhere or takes classes; a formula that is wrong is shown as it was written.
    temml.render(text, element, { displayMode, trust: false, throwOnError: true, maxExpand: 200, maxSize: [10, 20] });
  });
  return loading;
}

/** Longer ones are no formulas. */
const longest = 2000;

export function Formula({ text, display }: { text: string; display: boolean }) {
  const place = useRef<HTMLElement>(null);
  const [isShown, setShown] = useState(false);
  useLayoutEffect(() => {
    let isWanted = text.length <= longest;
    const show = async () => {
      const render = await load();
      const element = document.createElement("span");
      render(text, element, display);
      if (!isWanted || !place.current) return;
      place.current.replaceChildren(element);
      setShown(true);
    };
    if (isWanted) show().catch(() => {}); // it stays as it was written
    return () => {
      isWanted = false;
    };
  }, [text, display]);
  return (
    <span class={display ? "formula display" : "formula"}>
      <span ref={place} />
      {!isShown && <code>{text}</code>}
    </span>
  );
}
