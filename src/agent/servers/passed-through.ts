import { Buffer } from 'node:buffer';
import { memberSpan } from '../../protocol/json-spans.js';
import { isRecord, withHopMeta } from './messages.js';
import type { JsonRpcError } from './types.js';

/** `URLElicitationRequiredError` (MCP 2025-11-25 client/elicitation). */
const URL_ELICITATION_REQUIRED = -32042;

/** Notifications that one hop sends the other about itself. */
const OWN_HOP = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

/** A client's notification as a server gets it; undefined for one that is not for it. Its params go byte for byte. */
export function clientNotification(method: string, params: Uint8Array): Buffer | undefined {
  if (OWN_HOP.has(method)) return undefined;
  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`;
  if (params.length === 0) return Buffer.from(`${head}}`);
  const own = withHopMeta(Buffer.from(params), {});
  if (!own) return undefined;
  // Between tokens alone: within strings JSON has no line breaks.
  const line = own.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
  return Buffer.concat([Buffer.from(`${head},"params":`), line, Buffer.from('}')]);
}

/** The task whose result a `tasks/result` waits for (MCP 2025-11-25 basic/utilities/tasks). */
export function taskOf(method: string, params: Uint8Array): string | undefined {
  if (method !== 'tasks/result') return undefined;
  const span = memberSpan(params, 0, params.length, 'taskId');
  const value: unknown = span && JSON.parse(Buffer.from(params.subarray(...span)).toString('utf8'));
  return typeof value === 'string' ? value : undefined;
}

/** The ids of elicitations that the client has to go through before it asks again. */
export function urlElicitations({ code, data }: JsonRpcError): string[] {
  if (code !== URL_ELICITATION_REQUIRED) return [];
  const { elicitations } = isRecord(data) ? data : {};
  if (!Array.isArray(elicitations)) return [];
  return elicitations.flatMap((entry) =>
    isRecord(entry) && typeof entry.elicitationId === 'string' ? [entry.elicitationId] : [],
  );
}
