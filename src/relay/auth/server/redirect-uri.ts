const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

// Schemes that browsers or desktops act on by themselves, or that carry what is in the URL to another machine: a code
// sent there is not received by a client of this machine.
const dangerous = new Set(
  [
    'about blob chrome chrome-extension content data filesystem file intent jar javascript livescript mhtml',
    'moz-extension resource search-ms vbscript view-source',
    'callto facetime mailto sip sips sms tel urn',
    'afp dav davs dict feed ftp ftps git gopher imap irc ircs itms itms-services ldap ldaps magnet news nfs nntp pop rdp',
    'rtsp sftp smb ssh svn telnet tftp vnc webcal ws wss',
  ].flatMap((line) => line.split(' ')),
);

// RFC 3986 §2. The URL parser forgives more, and not all that read such a text would see the same host in it.
const uriCharacters = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;

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
  const scheme = url.protocol.slice(0, -1);
  if (dangerous.has(scheme) || scheme.startsWith('ms-')) return `must not use the scheme ${scheme}`;
  if (url.hash !== '' || uri.includes('#')) return 'must not contain a fragment';
  if (!uriCharacters.test(uri)) return 'must not contain characters that no URI has';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  const web = url.protocol === 'https:' || url.protocol === 'http:';
  if (web && !/^https?:\/\/[^/]/i.test(uri)) return 'must have two slashes before the host';
  if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) {
    return 'may use http only for localhost, 127.0.0.1 and [::1]';
  }
  return undefined;
}
