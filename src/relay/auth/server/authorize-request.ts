import { MANAGE_SCOPE, type Resource, type Resources } from '../resources.js';
import { AGENT_CLIENT_ID } from './agent-client.js';

// OpenID Connect parameters that oidc-provider refuses without the scope openid. Clients send them anyway.
const needOpenid = ['acr_values', 'claims', 'claims_locales', 'id_token_hint', 'max_age', 'nonce'];

/** Scopes besides the resource's own that change an answer; `email` and `profile`, which some ask for, are not known here. */
export const openidScopes = ['openid', 'offline_access'];
const prompts: Readonly<Record<string, string>> = {
  none: 'none',
  login: 'login',
  consent: 'consent',
  select_account: 'login',
};

/**
 * The query of an authorization request as the relay understands it: one form of the resource, the default resource
 * where none is named (2025-03-26 clients), and the scope that belongs to the resource whatever else was asked for,
 * beside `mcp:manage` where it was asked for and the resource has it.
 * Parameters that are repeated are left alone, so that oidc-provider refuses them.
 */
export function tidyAuthorizeQuery(query: URLSearchParams, resources: Resources): URLSearchParams {
  const tidy = new URLSearchParams(query);
  const isAgent = tidy.get('client_id') === AGENT_CLIENT_ID;
  const named = new Set(tidy.getAll('resource').map((uri) => resources.parse(uri)?.uri ?? uri));
  if (named.size === 0) named.add(isAgent ? resources.tunnel.uri : resources.mcp.uri);
  tidy.delete('resource');
  for (const uri of named) tidy.append('resource', uri);

  if (tidy.getAll('scope').length <= 1) {
    const words = (tidy.get('scope') ?? '').split(' ');
    const manage = words.includes(MANAGE_SCOPE) && [...named].every((uri) => canManage(resources.parse(uri)));
    const asked = words.filter((word) => openidScopes.includes(word));
    tidy.set('scope', [isAgent ? 'tunnel' : 'mcp', ...(manage ? [MANAGE_SCOPE] : []), ...asked].join(' '));
    if (!asked.includes('openid')) for (const name of needOpenid) tidy.delete(name);
  }
  const prompt = tidy.get('prompt');
  if (prompt !== null && tidy.getAll('prompt').length === 1) {
    const known = new Set(prompt.split(' ').flatMap((word) => prompts[word] ?? []));
    if (known.size === 0) tidy.delete('prompt');
    else tidy.set('prompt', [...known].join(' '));
  }
  return tidy;
}

export function canManage(resource: Resource | undefined): boolean {
  return resource?.scopes.includes(MANAGE_SCOPE) === true;
}
