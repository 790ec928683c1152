import type { RpcBody } from './json-rpc.js';
import { claimedVersion } from './modern/envelope.js';
import { MODERN_VERSION } from './protocol-versions.js';

export type Era = 'legacy' | 'modern';

/**
 * Which era a POST speaks, by nothing but itself (26 basic/versioning): an envelope in the body decides, then
 * `initialize`, then the header. An envelope that names a version we do not have is answered as a modern one is; an
 * `initialize` is modern only under an envelope of the stateless revision, which has no such method.
 */
export function eraOf(body: RpcBody, versionHeader: string | undefined): Era {
  const named = versionHeader === MODERN_VERSION ? 'modern' : 'legacy';
  if (body.kind !== 'single') return named;
  const { message } = body;
  if (message.kind !== 'request' && message.kind !== 'notification') return named;
  const claimed = claimedVersion(message.params);
  if (message.method === 'initialize') return claimed === MODERN_VERSION ? 'modern' : 'legacy';
  return claimed === undefined ? named : 'modern';
}
