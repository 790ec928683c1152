import type { CallHead } from '../../protocol/call-messages.js';
import { levelAtLeast } from '../../protocol/log-levels.js';
import { shapeEvent } from './shape.js';
import type { CallOutput } from './wire/running-call.js';

type Params = Readonly<Record<string, unknown>>;

/** What a server tells while it works on a call, on its way to the client. */

/** For RequestContext.onProgress: under the client's own token; undefined when it gave none. */
export function progressContext(head?: CallHead, output?: CallOutput): ((params: Params) => void) | undefined {
  const progressToken = head?.progressToken;
  if (progressToken === undefined) return undefined;
  return (params) => output?.event(notification('notifications/progress', { ...params, progressToken }), true);
}

/** For RequestContext.onLog: from the level on that the client wants; undefined when it wants none. */
export function logContext(head?: CallHead, output?: CallOutput): ((params: Params) => void) | undefined {
  const level = head?.logLevel;
  if (level === undefined) return undefined;
  return (params) => {
    if (levelAtLeast(params.level, level)) output?.event(notification('notifications/message', params), false);
  };
}

/**
 * For RequestContext.onNotification: what belongs to a lasting call is its very content, so nothing of it is left out.
 * During other calls only a transparent endpoint's client can know what it means.
 */
export function notificationContext(
  head?: CallHead,
  output?: CallOutput,
): ((method: string, params: Params) => void) | undefined {
  if (head === undefined) return undefined;
  const { client, lasting } = head;
  if (lasting !== true && client.endpoint !== 'server') return undefined;
  return (method, params) => {
    // Has no counterpart for modern clients (MCP 2026-07-28 changelog, minor 11).
    if (client.era === 'modern' && method === 'notifications/elicitation/complete') return;
    output?.event(notification(method, shapeEvent(head, method, params)), false);
  };
}

function notification(method: string, params: Params): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }));
}
