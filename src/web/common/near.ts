/** Tells when an element comes near the part of the page that is seen, or is far from it. */

interface Watch {
  readonly isNear: boolean;
  readonly then: () => void;
}

const watches = new Map<Element, Watch>();
let observer: IntersectionObserver | null = null;

/** A screen and a half away is near: so far people scroll before what is made then is shown. */
const margin = "150%";

/** Calls `then` once. Returns what ends the waiting. An element is watched for one thing at a time. */
export function whenNear(element: Element, then: () => void): () => void {
  return observe(element, { isNear: true, then });
}

export function whenFar(element: Element, then: () => void): () => void {
  return observe(element, { isNear: false, then });
}

function observe(element: Element, watch: Watch): () => void {
  // The margin of parts that scroll is not in every browser yet; in others an element is near when it is seen.
  const margins: IntersectionObserverInit & { scrollMargin: string } = { rootMargin: margin, scrollMargin: margin };
  observer ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const kept = watches.get(target);
      if (kept?.isNear !== isIntersecting) continue;
      forget(target);
      kept.then();
    }
  }, margins);
  watches.set(element, watch);
  observer.observe(element);
  return () => forget(element);
}

function forget(element: Element): void {
  watches.delete(element);
  observer?.unobserve(element);
}
