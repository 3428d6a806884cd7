/** Addresses that a page may link to. Pure. */

/** The address of a link that leads to the web or to a mail; null for anything else, such as `javascript:`. */
export function safeAddress(href: string): string | null {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // relative ones would lead into this page
  }
}
