import type { Configuration, TokenEndpointResponse } from 'openid-client';
import type { AgentConfig } from '../../config/config.js';
import { printable } from '../../log/printable.js';
import { AGENT_SCOPE, isNetworkError, sameOrigin, tunnelResource } from '../credentials/discovery.js';
import { LoginError } from './login-error.js';

const DEFAULT_INTERVAL_SECONDS = 5;
const MAX_INTERVAL_SECONDS = 60;

/** What a person has to know to finish this login in a browser anywhere. */
export interface DeviceCode {
  /** Where the code is typed: http(s), at the relay. */
  readonly verificationUri: string;
  readonly userCode: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface DeviceCodeOptions {
  readonly config: AgentConfig;
  readonly server: Configuration;
  readonly signal: AbortSignal;
  readonly show: (code: DeviceCode) => void;
}

/**
 * Logs in by a code that is typed elsewhere (RFC 8628). A relay that cannot be reached for a while is asked again, ever
 * more slowly (§3.5): the person may have approved meanwhile.
 * @throws LoginError, openid-client's errors, or the signal's reason
 */
export async function byDeviceCode({
  config,
  server,
  signal,
  show,
}: DeviceCodeOptions): Promise<TokenEndpointResponse> {
  if (server.serverMetadata().device_authorization_endpoint === undefined) throw notOffered(config);
  const client = await import('openid-client');
  const asked = await client.initiateDeviceAuthorization(server, {
    scope: AGENT_SCOPE,
    resource: tunnelResource(config),
    device_name: config.name,
  });
  signal.throwIfAborted();
  if (!sameOrigin(config.relay, asked.verification_uri)) {
    throw new LoginError(
      'refused',
      `${config.relay} names a page of another server for its codes. Check "relay" in the config.`,
    );
  }
  show({
    verificationUri: printable(asked.verification_uri),
    userCode: printable(asked.user_code),
    expiresAt: Date.now() + asked.expires_in * 1000,
  });
  let interval = asked.interval ?? DEFAULT_INTERVAL_SECONDS;
  for (;;) {
    try {
      const resource = tunnelResource(config);
      return await client.pollDeviceAuthorizationGrant(server, { ...asked, interval }, { resource }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      const busy = error instanceof client.ResponseBodyError && (error.status === 429 || error.status >= 500);
      if (!busy && !isNetworkError(error)) throw error;
      interval = Math.min(interval * 2, MAX_INTERVAL_SECONDS);
    }
  }
}

function notOffered({ relay }: AgentConfig): LoginError {
  const message = `${relay} has no login for machines without a browser: it is older than this agent. Update the relay, or log in with a browser here: mcp-local-tunnel login --browser`;
  return new LoginError('no_device_login', message);
}
