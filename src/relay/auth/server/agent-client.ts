import type { ClientMetadata } from 'oidc-provider';

/** Client id of the agent's own `login` command; the only client of scope `tunnel`. */
export const AGENT_CLIENT_ID = 'mcp-local-tunnel-agent';

/** Path of the page that shows a code for pasting, where the agent's browser is on another machine. */
export const PASTE_PATH = '/login/code';

/** The agent as a public native client (RFC 8252): any port of the loopback addresses. */
export const agentClient: ClientMetadata = {
  client_id: AGENT_CLIENT_ID,
  client_name: 'mcp-local-tunnel agent',
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback', 'http://[::1]/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};
