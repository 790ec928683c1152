import type { Span } from '../../../protocol/json-spans.js';
import { exposeUri } from '../../../protocol/uris.js';
import type { EditedObject } from './span-edits.js';

export const RELATED_TASK = 'io.modelcontextprotocol/related-task';
/** Of one hop each, and of no meaning in an older revision's results (2026-07-28 basic/index, "Meta"). */
const MODERN_META = [
  'protocolVersion',
  'clientInfo',
  'clientCapabilities',
  'logLevel',
  'subscriptionId',
  'serverInfo',
].map((name) => `io.modelcontextprotocol/${name}`);

/** Task ids of several servers are told apart as their URIs are. */
export function exposeTaskId(key: string, id: string): string {
  return `${key}+${id}`;
}

/** What a client fetches itself stays as it is inside content (server/resources, "https://"). */
export function exposeContentUri(key: string | undefined, uri: string): string {
  return key === undefined || /^https:\/\//i.test(uri) ? uri : exposeUri(key, uri);
}

/** Rewrites a member that is a string. */
export function rewrite(object: EditedObject, name: string, change: (value: string) => string): void {
  const span = object.get(name);
  const value = span && object.edits.string(span);
  if (span === undefined || value === undefined) return;
  const changed = change(value);
  if (changed !== value) object.edits.replace(span, JSON.stringify(changed));
}

/** URIs in the `_meta` of a result, a content block or a resource: the UI of an MCP App, and the task it belongs to. */
export function exposeMeta(owner: EditedObject, key: string | undefined): void {
  const meta = objectAt(owner, '_meta');
  if (meta !== undefined && key !== undefined) exposeInMeta(meta, key);
}

/** A result's own `_meta` for a legacy client: without a modern server's keys, and away when nothing is left. */
export function legacyMeta(result: EditedObject, key: string | undefined): void {
  const meta = objectAt(result, '_meta');
  if (meta === undefined) return;
  const given = meta.members.length;
  for (const name of MODERN_META) meta.drop(name);
  if (meta.empty && given > 0) {
    result.drop('_meta');
    return;
  }
  if (key !== undefined) exposeInMeta(meta, key);
  meta.commit();
}

export function objectAt(owner: EditedObject, name: string): EditedObject | undefined {
  const span = owner.get(name);
  return span && owner.edits.object(span);
}

export function elementsAt(owner: EditedObject, name: string): readonly Span[] {
  const span = owner.get(name);
  return span === undefined ? [] : owner.edits.elements(span);
}

function exposeInMeta(meta: EditedObject, key: string): void {
  rewrite(meta, 'ui/resourceUri', (uri) => exposeUri(key, uri));
  const ui = objectAt(meta, 'ui');
  if (ui !== undefined) rewrite(ui, 'resourceUri', (uri) => exposeUri(key, uri));
  const task = objectAt(meta, RELATED_TASK);
  if (task !== undefined) rewrite(task, 'taskId', (id) => exposeTaskId(key, id));
}
