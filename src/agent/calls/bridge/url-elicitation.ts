import type { CallHead } from '../../../protocol/call-messages.js';
import { isRecord } from '../../servers/messages.js';
import type { JsonRpcError } from '../../servers/types.js';
import { type JsonObject, parsedObject } from '../json-edit.js';
import { ELICIT, elicitationModes, isVisitable } from './asks.js';
import { translateAsk } from './translate-ask.js';

/** MCP 2025-11-25, `URLElicitationRequiredError`: visit these URLs, then send the request again. Modern clients have no such error. */
export const URL_REQUIRED = -32042;
/** More than a user would open. */
const MOST = 16;

/** The error as questions of a modern client; undefined when it names no URL, or this client opens none. */
export function urlAsks(error: JsonRpcError, head: CallHead): JsonObject | undefined {
  const list = isRecord(error.data) ? error.data.elicitations : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST) return undefined;
  if (!elicitationModes(head.client).includes('url')) return undefined;
  const asks: [string, unknown][] = [];
  for (const [index, entry] of list.entries()) {
    if (!isRecord(entry) || !isVisitable({ ...entry, mode: 'url' })) return undefined;
    const { elicitationId: _id, ...rest } = entry;
    const params = translateAsk(ELICIT, Buffer.from(JSON.stringify({ ...rest, mode: 'url' })), head);
    if (params === undefined) return undefined;
    asks.push([`url${index + 1}`, { method: ELICIT, params: parsedObject(params) }]);
  }
  return Object.fromEntries(asks);
}

/** What a client's answers to them come to; `missing` when one is not there or is no ElicitResult. */
export function urlVerdict(asks: JsonObject, responses: JsonObject): 'accepted' | 'declined' | 'missing' {
  const actions = Object.keys(asks).map((key) => {
    const response = responses[key];
    return isRecord(response) ? response.action : undefined;
  });
  if (actions.some((action) => action === 'decline' || action === 'cancel')) return 'declined';
  return actions.every((action) => action === 'accept') ? 'accepted' : 'missing';
}
