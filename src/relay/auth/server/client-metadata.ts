import type { ClientMetadata } from 'oidc-provider';
import { AGENT_CLIENT_ID } from './agent-client.js';
import type { OidcProvider } from './load.js';
import { checkRedirectUri, isNativeRedirect } from './redirect-uri.js';

const MAX_METADATA_BYTES = 16 * 1024;
const MAX_REDIRECT_URIS = 32;
const MAX_NAME_LENGTH = 200;
// A key set in the metadata is four deep; whoever writes a far deeper document out again runs out of stack.
const MAX_DEPTH = 8;

// What the relay acts on or shows. Anything else a client sends is left out (RFC 7591 §2: ignore what is unknown).
const kept = new Set([
  'client_id',
  'client_id_issued_at',
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'jwks',
  'jwks_uri',
  'application_type',
  'software_id',
]);

/**
 * Makes any client's metadata what this relay accepts, before oidc-provider checks it: registered, fetched or static.
 * A server may replace what a client asks for (RFC 7591 §3.2.1), and real clients ask for things they do not use.
 * @throws InvalidClientMetadata for redirect URIs that would carry a code to a bad place, and for oversized documents
 */
export function tidyClientMetadata(metadata: ClientMetadata, errors: OidcProvider['errors']): void {
  for (const name of Object.keys(metadata)) if (!kept.has(name)) Reflect.deleteProperty(metadata, name);
  const refuse = (why: string): never => {
    throw new errors.InvalidClientMetadata(why);
  };
  if (tooDeep(metadata, MAX_DEPTH)) refuse('the metadata is nested too deep');
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_METADATA_BYTES) refuse('the metadata is too large');
  if (typeof metadata.client_name === 'string' && metadata.client_name.length > MAX_NAME_LENGTH) {
    refuse(`client_name must be at most ${MAX_NAME_LENGTH} characters long`);
  }
  if (typeof metadata.software_id !== 'string') Reflect.deleteProperty(metadata, 'software_id');
  tidyAuthMethod(metadata);
  tidyGrants(metadata);
  tidyRedirects(metadata, refuse);
}

function tooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => tooDeep(inner, depth - 1));
}

/** No client has a secret here, so none is stored: what is not `private_key_jwt` with a key is `none`. */
function tidyAuthMethod(metadata: ClientMetadata): void {
  const hasKey = metadata.jwks !== undefined || metadata.jwks_uri !== undefined;
  if (metadata.token_endpoint_auth_method === 'private_key_jwt' && hasKey) return;
  metadata.token_endpoint_auth_method = 'none';
  for (const name of ['jwks', 'jwks_uri', 'token_endpoint_auth_signing_alg']) Reflect.deleteProperty(metadata, name);
}

function tidyGrants(metadata: ClientMetadata): void {
  // Nobody else has this id: the relay makes those of registered clients, and all others are URLs.
  if (metadata.client_id === AGENT_CLIENT_ID) return;
  if (Array.isArray(metadata.grant_types)) {
    const refresh = metadata.grant_types.includes('refresh_token') ? ['refresh_token'] : [];
    metadata.grant_types = ['authorization_code', ...refresh];
  }
  if (Array.isArray(metadata.response_types)) metadata.response_types = ['code'];
}

function tidyRedirects(metadata: ClientMetadata, refuse: (why: string) => never): void {
  // What is not a list of strings is refused by oidc-provider, in its own words.
  const uris: unknown = metadata.redirect_uris;
  if (!Array.isArray(uris)) return;
  if (uris.length > MAX_REDIRECT_URIS) refuse(`redirect_uris must have at most ${MAX_REDIRECT_URIS} members`);
  const strings = uris.filter((uri) => typeof uri === 'string');
  for (const uri of strings) {
    const wrong = checkRedirectUri(uri);
    if (wrong !== undefined) refuse(`redirect_uris ${wrong}`);
  }
  // Only a native client may come back on any port; older clients leave the type out, or say web.
  metadata.application_type = strings.some(isNativeRedirect) ? 'native' : 'web';
}
