import { isShape, type RpcBody } from './json-rpc.js';
import { LEGACY_VERSIONS, MODERN_VERSION } from './protocol-versions.js';

/** The key by which a request of the stateless revision names its version (2026-07-28 basic, "_meta"). */
const ENVELOPE_VERSION = 'io.modelcontextprotocol/protocolVersion';

export type Era = 'legacy' | 'modern';

/** Which era a POST speaks, by nothing but itself: the envelope decides, then `initialize`, then the header. */
export function eraOf(body: RpcBody, versionHeader: string | undefined): Era {
  if (body.kind !== 'single') return 'legacy';
  const { message } = body;
  if (message.kind !== 'request' && message.kind !== 'notification') return 'legacy';
  const meta = message.params?._meta;
  if (isShape(meta) && Object.hasOwn(meta, ENVELOPE_VERSION)) return 'modern';
  return versionHeader === MODERN_VERSION && message.method !== 'initialize' ? 'modern' : 'legacy';
}

/**
 * What a server of the legacy era tells a modern client; one that can do both then falls back to `initialize`.
 * Answered with 400 and no modern error code, which is what clients take for "legacy".
 */
export const MODERN_REFUSAL = `Unsupported protocol version: ${MODERN_VERSION} (supported versions: ${LEGACY_VERSIONS.join(', ')}). Send initialize.`;
