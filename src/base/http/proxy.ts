/** The proxy that the environment names for an address: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in capitals or not. */
import { getProxyForUrl } from "proxy-from-env";
import { HearthError } from "../errors.js";

/** null for none. CONFIG_BAD_VALUE for one that is none, or of a kind that is not spoken here. */
export function proxyFor(url: URL): URL | null {
  // Where only HTTP_PROXY is set, it is meant for everything.
  const text = getProxyForUrl(url) || (url.protocol === "https:" ? getProxyForUrl(asHttp(url)) : "");
  if (text === "") return null;
  const proxy = URL.canParse(text) ? new URL(text) : null;
  if (proxy && /^https?:$/.test(proxy.protocol)) return proxy;
  // Not repeated: it may hold a password.
  throw new HearthError(
    "CONFIG_BAD_VALUE",
    "The proxy that HTTPS_PROXY or HTTP_PROXY names is no http or https address.",
  );
}

/** With its port, which NO_PROXY may name. */
function asHttp(url: URL): string {
  return `http://${url.hostname}:${url.port || 443}`;
}
