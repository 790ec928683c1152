import type { ClientMetadata } from 'oidc-provider';

/** Client id of the agent's own `login` command; the only client of scope `tunnel`. */
export const AGENT_CLIENT_ID = 'mcp-local-tunnel-agent';

/** `grant_type` of RFC 8628 §3.4; this client's alone. */
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** The agent as a public native client (RFC 8252): any port of the loopback addresses, or a code (RFC 8628). */
export const agentClient: ClientMetadata = {
  client_id: AGENT_CLIENT_ID,
  client_name: 'mcp-local-tunnel agent',
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback', 'http://[::1]/callback'],
  grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};
