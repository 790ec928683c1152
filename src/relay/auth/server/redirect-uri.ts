const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

// Schemes that browsers or desktops act on by themselves: a code sent there is not received by a client.
const dangerous = new Set([
  'about',
  'blob',
  'chrome',
  'chrome-extension',
  'content',
  'data',
  'feed',
  'file',
  'filesystem',
  'ftp',
  'intent',
  'jar',
  'javascript',
  'livescript',
  'mailto',
  'mhtml',
  'moz-extension',
  'resource',
  'search-ms',
  'sms',
  'tel',
  'vbscript',
  'view-source',
  'ws',
  'wss',
]);

/** True for http to this very machine (RFC 8252 §7.3). */
export function isLoopback(uri: string): boolean {
  const url = new URL(uri);
  return url.protocol === 'http:' && loopbackHosts.has(url.hostname);
}

/** True when only a program on the user's machine can receive the code: loopback or a private-use scheme. */
export function isNativeRedirect(uri: string): boolean {
  return isLoopback(uri) || !/^https?:/i.test(uri);
}

/** @returns what is wrong with a redirect URI a client wants to register; undefined when it is fine */
export function checkRedirectUri(uri: string): string | undefined {
  if (!URL.canParse(uri)) return 'must only contain absolute URIs';
  const url = new URL(uri);
  if (url.hash !== '' || uri.includes('#')) return 'must not contain a fragment';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol === 'http:') {
    return loopbackHosts.has(url.hostname) ? undefined : 'may use http only for localhost, 127.0.0.1 and [::1]';
  }
  const scheme = url.protocol.slice(0, -1);
  const refused = dangerous.has(scheme) || scheme.startsWith('ms-');
  return refused ? `must not use the scheme ${scheme}` : undefined;
}
