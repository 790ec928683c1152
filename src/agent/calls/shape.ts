import type { CallHead } from '../../protocol/call-messages.js';
import { exposeUri } from '../../protocol/uris.js';
import { isRecord } from '../servers/messages.js';
import type { JsonRpcError } from '../servers/types.js';
import { shapeMessages, shapeToolResult } from './shape/content.js';
import { elementsAt, exposeMeta, exposeTaskId, legacyMeta, objectAt, RELATED_TASK, rewrite } from './shape/exposure.js';
import { LISTS, shapeList } from './shape/lists.js';
import { CACHEABLE, type Rules, rulesOf, type ShapeSource } from './shape/rules.js';
import { type EditedObject, mayHold, SpanEdits } from './shape/span-edits.js';

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
/** Results that are a tool's, as they are or within a task. */
const TOOL_RESULTS = new Set(['tools/call', 'tasks/result', 'tasks/get', 'tasks/update', 'tasks/cancel', 'tasks/list']);
const OTHERS = new Set(['prompts/get', 'completion/complete']);
const NO_MARKS: ReadonlyMap<string, string> = new Map();
/** Without one of these texts there is no URI and no task id in a result. */
const EXPOSED = ['"resource', 'resourceUri"', '"taskId"', '"contents"'];

/**
 * A result as the client that asked can read it: with or without the fields of the modern era, without what its
 * revision does not have, and with URIs that say whose they are where several servers share an endpoint.
 *
 * Where none of this changes anything it is the very buffer that was given, and what is not changed keeps its bytes.
 * A text that is no JSON object is let through.
 *
 * @param json the server's `result`, one line
 * @param about the server it comes from
 */
export function shapeResult(head: CallHead, json: Uint8Array, about: ShapeSource = { era: head.client.era }): Buffer {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const rules = rulesOf(head, about);
  const { method } = head;
  const marks = rules.toModern ? modernMarks(head, about) : NO_MARKS;
  if (!concerns(bytes, method, rules)) return marks.size === 0 ? bytes : marked(bytes, marks);
  const edits = new SpanEdits(bytes);
  const result = edits.root();
  if (result === undefined) return bytes;
  if (rules.toLegacy) toLegacy(result, method, rules);
  else exposeMeta(result, rules.uriKey);
  for (const [name, text] of marks) mark(result, name, text);
  if (CACHEABLE.has(method) && !rules.toLegacy && result.has('cacheScope')) result.set('cacheScope', '"private"');
  shapeBody(result, method, rules);
  result.commit();
  return edits.result();
}

/** A server's error: the URI in its `data` says whose it is. Codes are not touched. */
export function shapeError(head: CallHead, error: JsonRpcError, _about: ShapeSource): JsonRpcError {
  const { uriKey } = head.client;
  const { data } = error;
  if (uriKey === undefined || !isRecord(data) || typeof data.uri !== 'string') return error;
  return { ...error, data: { ...data, uri: exposeUri(uriKey, data.uri) } };
}

/** A notification's params for the client: URIs and task ids as its endpoint shows them. */
export function shapeEvent(
  head: CallHead,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { uriKey: key } = head.client;
  if (key === undefined) return params;
  if (method.startsWith('notifications/tasks')) return exposedTask(head, params);
  const shaped: Record<string, unknown> = { ...params };
  if (method === 'notifications/resources/updated' && typeof params.uri === 'string') {
    shaped.uri = exposeUri(key, params.uri);
  }
  if (method === 'notifications/subscriptions/acknowledged' && isRecord(params.notifications)) {
    shaped.notifications = exposedFilter(key, params.notifications);
  }
  const meta = params._meta;
  const task = isRecord(meta) ? meta[RELATED_TASK] : undefined;
  if (isRecord(meta) && isRecord(task) && typeof task.taskId === 'string') {
    shaped._meta = { ...meta, [RELATED_TASK]: { ...task, taskId: exposeTaskId(key, task.taskId) } };
  }
  return shaped;
}

/** A question's params for the client: resources in what tools gave its model before. @param params JSON text */
export function shapeAsk(head: CallHead, method: string, params: Uint8Array): Buffer {
  const bytes = Buffer.from(params.buffer, params.byteOffset, params.byteLength);
  const { uriKey } = head.client;
  if (uriKey === undefined || method !== 'sampling/createMessage' || !mayHold(bytes, EXPOSED)) return bytes;
  const edits = new SpanEdits(bytes);
  const root = edits.root();
  if (root !== undefined) shapeMessages(root, { toModern: false, toLegacy: false, version: undefined, uriKey });
  return edits.result();
}

/** Whether anything but the marks of the modern era may have to change. A byte search at most. */
function concerns(json: Buffer, method: string, { toModern, toLegacy, version, uriKey }: Rules): boolean {
  if (toLegacy) return true;
  if (version !== undefined && (TOOL_RESULTS.has(method) || method === 'prompts/get' || LISTS.has(method))) return true;
  if (uriKey !== undefined && mayHold(json, EXPOSED)) return true;
  if (toModern) {
    if (method === 'tools/list' && mayHold(json, ['"execution"'])) return true;
    return mayHold(json, ['"resultType"', '"_meta"', '"ttlMs"', '"cacheScope"']);
  }
  return version === undefined && CACHEABLE.has(method) && mayHold(json, ['"public"']);
}

/** The members that a legacy server's result lacks. */
function modernMarks({ client, method }: CallHead, { serverInfo }: ShapeSource): Map<string, string> {
  const marks = new Map([['resultType', '"complete"']]);
  if (CACHEABLE.has(method)) marks.set('ttlMs', '0').set('cacheScope', '"private"');
  // Where several servers share an endpoint the client's server is the relay.
  if (serverInfo !== undefined && client.endpoint === 'server')
    marks.set('_meta', JSON.stringify({ [SERVER_INFO]: serverInfo }));
  return marks;
}

function mark(result: EditedObject, name: string, text: string): void {
  if (!result.has(name)) {
    result.add(name, text);
    return;
  }
  const meta = name === '_meta' ? objectAt(result, name) : undefined;
  if (meta === undefined || meta.has(SERVER_INFO)) return;
  meta.add(SERVER_INFO, text.slice(text.indexOf(':', text.indexOf(SERVER_INFO)) + 1, -1));
  meta.commit();
}

/** The same where the result is known to have none of them: nothing is read. */
function marked(json: Buffer, marks: ReadonlyMap<string, string>): Buffer {
  const brace = json.indexOf('{');
  if (brace < 0 || json.subarray(0, brace).toString('latin1').trim() !== '') return json;
  const text = [...marks].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',');
  const empty = /^\s*\}/.test(json.toString('latin1', brace + 1, brace + 64));
  return Buffer.concat([json.subarray(0, brace + 1), Buffer.from(empty ? text : `${text},`), json.subarray(brace + 1)]);
}

function toLegacy(result: EditedObject, method: string, { uriKey }: Rules): void {
  result.drop('resultType');
  // What a server's own method returns under these names is its own.
  if (CACHEABLE.has(method) || TOOL_RESULTS.has(method) || OTHERS.has(method)) {
    result.drop('ttlMs');
    result.drop('cacheScope');
  }
  legacyMeta(result, uriKey);
}

function shapeBody(result: EditedObject, method: string, rules: Rules): void {
  const list = LISTS.get(method);
  if (list !== undefined) shapeList(result, list, rules);
  if (method === 'prompts/get') shapeMessages(result, rules);
  if (TOOL_RESULTS.has(method)) {
    shapeToolResult(result, rules);
    const nested = objectAt(result, 'result');
    if (nested !== undefined) shapeNested(nested, rules);
  }
  const { uriKey } = rules;
  if (uriKey === undefined) return;
  if (method === 'resources/read') {
    for (const span of elementsAt(result, 'contents')) {
      const content = result.edits.object(span);
      if (content === undefined) continue;
      rewrite(content, 'uri', (uri) => exposeUri(uriKey, uri));
      exposeMeta(content, uriKey);
    }
  }
  if (TOOL_RESULTS.has(method)) exposeTasks(result, uriKey);
  exposeQuestions(result, rules);
}

/** What a finished task holds is a tool's result. */
function shapeNested(result: EditedObject, rules: Rules): void {
  exposeMeta(result, rules.uriKey);
  shapeToolResult(result, rules);
  result.commit();
}

function exposeTasks(result: EditedObject, key: string): void {
  const expose = (id: string) => exposeTaskId(key, id);
  rewrite(result, 'taskId', expose);
  const one = objectAt(result, 'task');
  if (one !== undefined) rewrite(one, 'taskId', expose);
  for (const span of elementsAt(result, 'tasks')) {
    const task = result.edits.object(span);
    if (task !== undefined) rewrite(task, 'taskId', expose);
  }
}

/** A task as `tasks/get` would give it. */
function exposedTask(head: CallHead, params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const edits = new SpanEdits(Buffer.from(JSON.stringify(params)));
  const task = edits.root();
  if (task === undefined) return params;
  const rules: Rules = { toModern: false, toLegacy: false, version: undefined, uriKey: head.client.uriKey };
  exposeMeta(task, rules.uriKey);
  shapeBody(task, 'tasks/get', rules);
  task.commit();
  const shaped: unknown = JSON.parse(edits.result().toString());
  return isRecord(shaped) ? shaped : params;
}

/** The questions of an `input_required` result. */
function exposeQuestions(result: EditedObject, rules: Rules): void {
  for (const { start, end } of objectAt(result, 'inputRequests')?.members ?? []) {
    const params = result.edits.object([start, end])?.get('params');
    const object = params && result.edits.object(params);
    if (object !== undefined) shapeMessages(object, { ...rules, version: undefined });
  }
}

function exposedFilter(key: string, filter: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { resourceSubscriptions: uris, taskIds: ids } = filter;
  const each = (list: unknown, expose: (text: string) => string): unknown =>
    Array.isArray(list) ? list.map((text: unknown) => (typeof text === 'string' ? expose(text) : text)) : list;
  return {
    ...filter,
    ...(uris === undefined ? {} : { resourceSubscriptions: each(uris, (uri) => exposeUri(key, uri)) }),
    ...(ids === undefined ? {} : { taskIds: each(ids, (id) => exposeTaskId(key, id)) }),
  };
}
