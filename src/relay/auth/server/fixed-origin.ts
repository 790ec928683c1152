import type Provider from 'oidc-provider';

/**
 * Makes every URL that oidc-provider writes start with the issuer, whatever Host or X-Forwarded-* a request brings:
 * metadata is byte-equal for everyone, and cookies are Secure behind a proxy that ends TLS. Koa's `request` object is
 * the prototype of each request, meant for this.
 */
export function fixOrigin(provider: Provider): void {
  const { host, protocol } = new URL(provider.issuer);
  Object.defineProperties(provider.request, {
    host: { get: () => host },
    protocol: { get: () => protocol.slice(0, -1) },
  });
}
