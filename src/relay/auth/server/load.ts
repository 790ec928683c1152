import type { AsyncLocalStorage } from 'node:async_hooks';

/** oidc-provider's module, loaded by `loadOidcProvider`. */
export type OidcProvider = typeof import('oidc-provider');

// It names the newest LTS line; the relay's tests run it on every Node.js version that package.json allows.
const NOTICE = 'oidc-provider WARNING: Unsupported runtime.';

/** Loads oidc-provider without its one notice about Node.js 20; any other warning is still printed. */
export async function loadOidcProvider(): Promise<OidcProvider> {
  const before = console.warn;
  const filtered = (...words: unknown[]): void => {
    if (!String(words[0]).includes(NOTICE)) before(...words);
  };
  console.warn = filtered;
  try {
    return await import('oidc-provider');
  } finally {
    if (console.warn === filtered) console.warn = before;
  }
}

/** Where oidc-provider keeps the request it is at, a file of its own: a version is taken only with its tests. */
export async function oidcProviderContext(): Promise<AsyncLocalStorage<unknown>> {
  return (await import('oidc-provider/lib/helpers/als.js')).default;
}
