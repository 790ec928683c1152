import { isIP, isIPv6 } from 'node:net';

/** Either the value to work with or what is wrong and what to write. */
export type Checked<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string };

/** True for a URL's host that is this machine by its own three names; no name below `localhost`, unlike `isLoopbackHost`. */
export function isLoopbackLiteral(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** True for a host that is surely this machine: `localhost` and below, 127.0.0.0/8, ::1. */
export function isLoopbackHost(hostname: string): boolean {
  const host = bare(hostname);
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}

/** True for a host of a private network: an address of RFC 1918 or RFC 4193, a name without a dot, or a name no public DNS has. */
function isPrivateHost(hostname: string): boolean {
  const host = bare(hostname);
  if (isLoopbackHost(host)) return true;
  if (isIP(host) === 4) return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.)/.test(host);
  if (isIPv6(host)) return /^(f[cd]|fe[89ab])/i.test(host);
  return !host.includes('.') || /\.(local|lan|home|internal|home\.arpa|test)$/.test(host);
}

function bare(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

/**
 * Origin of a relay from what a person writes: a domain (https, or http where the domain is this machine), or an http(s)
 * or ws(s) URL. Plain text is for this machine only, unless `insecure`.
 */
export function relayOrigin(text: string, insecure: boolean): Checked<string> {
  const example = 'write the relay\'s domain, as "relay.example.com", or its URL, as "https://relay.example.com"';
  const trimmed = text.trim();
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed);
  const url = parse(hasScheme ? trimmed : `https://${trimmed}`);
  if (url === undefined || url.hostname === '') return { problem: `not a domain or URL; ${example}` };
  if (!['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol))
    return { problem: `not an http or ws URL; ${example}` };
  if (url.username !== '' || url.password !== '') return { problem: `holds a user name or password; ${example}` };
  // The relay's own endpoints are what people copy; any other path is a mistake.
  if (!['', '/', '/ws', '/mcp'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    return { problem: `has a path; ${example}` };
  }
  const local = isLoopbackHost(url.hostname);
  const plain = hasScheme ? url.protocol === 'http:' || url.protocol === 'ws:' : local;
  if (plain && !local && !insecure) {
    return {
      problem:
        'plain http:// and ws:// are for a relay on this machine, since anyone on the way could read the token; write https://, or run with --insecure',
    };
  }
  return { value: `${plain ? 'http' : 'https'}://${url.host}` };
}

/** Public URL of the relay: https, or http on this machine; no path, no trailing slash. */
export function publicOrigin(text: string): Checked<string> {
  const example = 'write the URL clients use, as "https://relay.example.com"';
  const url = httpUrl(text);
  if (url === undefined) return { problem: `not an http or https URL; ${example}` };
  if (url.username !== '' || url.password !== '') return { problem: `holds a user name or password; ${example}` };
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return { problem: `has a path; ${example}` };
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return { problem: `must be https, since MCP clients log in only over TLS; ${example}` };
  }
  return { value: url.origin };
}

/** Issuer of an OpenID provider, kept letter for letter since it is compared with `iss`. */
export function oidcIssuer(text: string): Checked<string> {
  const example = 'write the issuer, as "https://accounts.google.com"';
  const url = httpUrl(text);
  if (url === undefined) return { problem: `not an https URL; ${example}` };
  if (url.username !== '' || url.password !== '') return { problem: `holds a user name or password; ${example}` };
  if (url.pathname.includes('/.well-known/'))
    return { problem: `is a discovery document; leave out /.well-known and what follows` };
  if (url.search !== '' || url.hash !== '' || text.endsWith('#') || text.endsWith('?')) {
    return { problem: `an issuer has neither ? nor #; ${example}` };
  }
  if (url.protocol === 'http:' && !isPrivateHost(url.hostname)) {
    return { problem: `must be https outside a private network; ${example}` };
  }
  return { value: text };
}

/** URL of a local server's MCP endpoint. */
export function serverUrl(text: string): Checked<string> {
  const example = 'write its URL, as "http://127.0.0.1:8080/mcp"';
  const url = httpUrl(text);
  if (url === undefined) return { problem: `not an http or https URL; ${example}` };
  if (url.username !== '' || url.password !== '') {
    return { problem: `holds a user name or password; write them as "headers": { "Authorization": "\${VARIABLE}" }` };
  }
  return { value: text };
}

function httpUrl(text: string): URL | undefined {
  // The URL parser forgives spaces and missing slashes, which other programs that read the same value do not.
  if (!/^https?:\/\/[^\s/?#]/i.test(text) || /\s/.test(text)) return undefined;
  return parse(text);
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
