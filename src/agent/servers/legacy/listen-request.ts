import { Buffer } from 'node:buffer';
import { LIST_KINDS, type ListKind } from '../list-kinds.js';
import { isRecord, modernKey } from '../messages.js';

/** The flag of the filter that stands for each list (MCP 2026-07-28 basic/subscriptions). */
const LIST_FLAGS: Readonly<Record<ListKind, string>> = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
};

/** What one listen asks for. */
export interface ListenRequest {
  readonly lists: readonly ListKind[];
  /** Without repetitions. */
  readonly uris: readonly string[];
  /** The client's own id of the request; absent for a legacy client, whose notifications carry none. */
  readonly subscriptionId?: unknown;
}

/** Reads the params of `subscriptions/listen`; undefined when they are none. */
export function readListen(json: Uint8Array): ListenRequest | undefined {
  const params: unknown = json.length === 0 ? {} : JSON.parse(Buffer.from(json).toString('utf8'));
  if (!isRecord(params)) return undefined;
  const { notifications = {}, _meta: meta } = params;
  if (!isRecord(notifications)) return undefined;
  const { resourceSubscriptions: uris = [] } = notifications;
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) return undefined;
  const subscriptionId = isRecord(meta) ? meta[modernKey('subscriptionId')] : undefined;
  return {
    lists: LIST_KINDS.filter((kind) => notifications[LIST_FLAGS[kind]] === true),
    uris: [...new Set(uris)],
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
  };
}

/** The part of the filter that is granted, as the acknowledgement tells it. */
export function grantedFilter(lists: readonly ListKind[], uris: readonly string[]): Record<string, unknown> {
  return {
    ...Object.fromEntries(lists.map((kind) => [LIST_FLAGS[kind], true])),
    ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
  };
}
