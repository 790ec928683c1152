import { setTimeout } from 'node:timers/promises';
import type { Configuration, TokenEndpointResponse } from 'openid-client';
import type { AgentConfig } from '../../config/config.js';
import { printable } from '../../log/printable.js';
import { AGENT_SCOPE, isNetworkError, sameOrigin, tunnelResource } from '../credentials/discovery.js';
import { LoginError } from './login-error.js';
import { unlessAborted } from './unless-aborted.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
// RFC 8628 §3.5.
const DEFAULT_INTERVAL_SECONDS = 5;
const SLOWER_BY_SECONDS = 5;
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
    // Our own wait: that of openid-client's polling does not end when its signal aborts.
    await setTimeout(interval * 1000, undefined, { signal });
    try {
      const form = { device_code: asked.device_code, resource: tunnelResource(config) };
      return await unlessAborted(client.genericGrantRequest(server, DEVICE_GRANT, form), signal);
    } catch (error) {
      signal.throwIfAborted();
      const answer = error instanceof client.ResponseBodyError ? error : undefined;
      const busy = answer !== undefined && (answer.status === 429 || answer.status >= 500);
      if (answer?.error === 'slow_down') interval += SLOWER_BY_SECONDS;
      else if (busy || isNetworkError(error)) interval = Math.min(interval * 2, MAX_INTERVAL_SECONDS);
      else if (answer?.error !== 'authorization_pending') throw error;
    }
  }
}

function notOffered({ relay }: AgentConfig): LoginError {
  const message = `${relay} has no login for machines without a browser: it is older than this agent. Update the relay, or log in with a browser here: mcp-local-tunnel login --browser`;
  return new LoginError('no_device_login', message);
}
