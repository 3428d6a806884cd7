/** The package brings no types: https://github.com/Rob--W/proxy-from-env */
declare module "proxy-from-env" {
  /** Empty for none. */
  export function getProxyForUrl(url: string | URL): string;
}
