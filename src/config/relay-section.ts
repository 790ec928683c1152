import { isIP } from 'node:net';
import type { AllowRule, Limits } from './config.js';
import { limitBounds, limitDefaults } from './limits.js';
import { Is, isText, isTextList, Optional, Reads, WholeNumber } from './rules.js';
import { oidcIssuer, publicOrigin } from './urls.js';
import { Allow } from './validator.js';

type Claims = NonNullable<AllowRule['claims']>;

/** `auth.allow` */
export class AllowSection {
  @Optional()
  @Is(every(/^[^\s@]+@[^\s@]+$/), 'a list of addresses', '["anna@example.com"]')
  emails?: readonly string[];

  @Optional()
  @Is(every(/^(?=.*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)*$/i), 'a list of domains', '["example.com"]')
  domains?: readonly string[];

  @Optional()
  @Is(isClaims, 'claims with the lists of values they may have', '{ "groups": ["staff"] }')
  claims?: Claims;

  static readonly hints = {
    groups: 'write it as a claim: "claims": { "groups": ["staff"] }',
    roles: 'write it as a claim: "claims": { "roles": ["staff"] }',
    users: 'write "emails", or a claim: "claims": { "sub": ["…"] }',
  };
}

/** `auth` */
export class AuthSection {
  @Reads(oidcIssuer, 'the OpenID provider\'s issuer, as "https://accounts.google.com"')
  issuer: string;

  @Optional()
  @Is(isText, 'text', 'the client id the provider gave you')
  clientId = 'mcp-local-tunnel';

  @Optional()
  @Is(isText, 'text', `the client secret the provider gave you, or "\${VARIABLE}"`)
  clientSecret?: string;

  @Optional()
  @Is(isScopes, 'a list of scopes with "openid" among them', '["openid", "email"]')
  scopes: readonly string[] = ['openid'];

  @Optional()
  @Is(isText, 'the name of a claim', '"sub"')
  userClaim = 'sub';

  @Allow()
  allow?: unknown;

  static readonly hints = {
    client_id: 'did you mean "clientId"?',
    client_secret: 'did you mean "clientSecret"?',
    scope: 'write "scopes" as a list: ["openid", "email"]',
    redirectUri: 'leave it out; at the provider register https://<relay-host>/callback',
    redirect_uri: 'leave it out; at the provider register https://<relay-host>/callback',
  };
}

/** `limits`; one decorated property for each limit, from the table. */
export class LimitsSection {}
for (const [key, [min, max]] of Object.entries(limitBounds)) {
  Optional()(LimitsSection.prototype, key);
  WholeNumber(min, max, 'one, or leave it out')(LimitsSection.prototype, key);
}

/** The values of `limits` once LimitsSection has found nothing wrong. */
export function limitsOf(section: object): Limits {
  const given = Object.entries(section).filter(([, value]) => value !== undefined);
  return { ...limitDefaults, ...Object.fromEntries(given) };
}

/** A relay's config. */
export class RelaySection {
  @Allow()
  mode: 'relay';

  @Allow()
  auth?: unknown;

  @Optional()
  @WholeNumber(0, 65_535, '3000')
  port = 3000;

  @Optional()
  @Is(isHost, 'an address or host name to listen on', '"0.0.0.0"')
  host = '0.0.0.0';

  @Optional()
  @Reads(publicOrigin, 'the URL clients use, as "https://relay.example.com"')
  issuerUrl?: string;

  @Optional()
  @Is(isSecret, 'at least 32 characters', 'what `openssl rand -base64 32` prints, or leave it out')
  secret?: string;

  @Optional()
  @Is(isText, 'the path of a folder', '"/var/lib/mcp-local-tunnel"')
  dataDir?: string;

  @Optional()
  @Is(isTrustProxy, 'true, false, a number of proxies, or their addresses', '1 behind one reverse proxy')
  trustProxy: boolean | number | string | readonly string[] = false;

  @Allow()
  limits?: unknown;

  static readonly hints = {
    relay: 'it belongs to mode "agent"; a relay\'s own public URL is "issuerUrl"',
    servers: 'it belongs to mode "agent"; write it in the config of the machine that runs the servers',
    issuer: 'write it inside "auth": { "issuer": "…" }',
    clientId: 'write it inside "auth": { "clientId": "…" }',
    clientSecret: 'write it inside "auth": { "clientSecret": "…" }',
    url: 'did you mean "issuerUrl"?',
    publicUrl: 'did you mean "issuerUrl"?',
    baseUrl: 'did you mean "issuerUrl"?',
  };
}

function every(pattern: RegExp): (value: unknown) => boolean {
  return (value) => isTextList(value) && value.every((entry) => pattern.test(entry));
}

function isClaims(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every(
    (list) =>
      Array.isArray(list) &&
      list.length > 0 &&
      list.every((entry) => ['string', 'number', 'boolean'].includes(typeof entry)),
  );
}

/** Scope tokens of RFC 6749 §3.3; without `openid` the provider gives no identity (OpenID Connect Core §3.1.2.1). */
function isScopes(value: unknown): boolean {
  return (
    isTextList(value) && value.includes('openid') && value.every((scope) => /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope))
  );
}

function isHost(value: unknown): boolean {
  return isText(value) && (isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value));
}

function isSecret(value: unknown): boolean {
  return isText(value) && value.length >= 32;
}

/** What Express takes, checked here because it would fail only once the relay starts, and in other words. */
function isTrustProxy(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= 100;
  const list = typeof value === 'string' ? value.split(',') : value;
  return isTextList(list) && list.every((entry) => isProxyAddress(entry.trim()));
}

function isProxyAddress(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
