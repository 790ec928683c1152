declare module 'proxy-from-env' {
  /** The proxy's URL for a request to `url`, or '' for a direct connection. Honours NO_PROXY. */
  export function getProxyForUrl(url: string): string;
}
