import type Provider from 'oidc-provider';
import type { PendingAuthorization } from '../interactions.js';
import { AGENT_CLIENT_ID } from './agent-client.js';
import { isLoopback } from './redirect-uri.js';

export type Client = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

const MAX_NAME = 100;

/** What the consent page says about a client. Its name and URI are its own claims; only the redirect is a fact. */
export function describeClient(client: Client, redirectUri: string | undefined): PendingAuthorization['client'] {
  return {
    id: client.clientId,
    name: oneLine(client.clientName ?? '') || client.clientId,
    ...(client.clientUri === undefined ? {} : { uri: client.clientUri }),
    ...(redirectUri === undefined ? { loopback: false } : describeRedirect(redirectUri)),
    kind: kindOf(client),
  };
}

function describeRedirect(redirectUri: string) {
  const redirect = new URL(redirectUri);
  const web = redirect.protocol === 'https:' || redirect.protocol === 'http:';
  return {
    redirectUri,
    redirectHost: web ? redirect.host : redirect.protocol,
    loopback: isLoopback(redirectUri),
  };
}

function kindOf(client: Client): PendingAuthorization['client']['kind'] {
  if (client.clientId === AGENT_CLIENT_ID) return 'agent';
  return isDocument(client) ? 'document' : 'registered';
}

/** True for a client known by its Client ID Metadata Document. */
export function isDocument(client: Client): boolean {
  return 'clientIdMetadataDocument' in client;
}

/** Without control, format and other invisible characters, which could reorder or hide what the page says. */
export function oneLine(text: string): string {
  const visible = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return [...visible].slice(0, MAX_NAME).join('');
}
