import type { CallHead } from '../../../protocol/call-messages.js';
import { topLevelSpans } from '../../../protocol/json-spans.js';
import type { Entry, ServerOffer } from '../../../protocol/messages.js';
import { type Clock, pause } from '../../servers/clock.js';
import { isRecord } from '../../servers/messages.js';
import { type RequestContext, type RequestOutcome, ServerError } from '../../servers/types.js';
import { type JsonObject, member, parsedObject, valueAt, withMembers } from '../json-edit.js';
import { mayHold } from '../shape/span-edits.js';
import { REVISION_2025_11_25 } from './asks.js';
import type { Upstream } from './open-call.js';

/** How long the server is to keep a task and its result. */
const TTL_MS = 60 * 60_000;
/** Between two looks at a task whose server names no interval; and the bounds of what it names. */
const POLL_MS = 1_000;
const POLL_LEAST_MS = 50;
const POLL_MOST_MS = 15_000;
/** A cancelled task's server is told, and given this long to hear it. */
const CANCEL_MS = 10_000;

const EXTENSION = 'io.modelcontextprotocol/tasks';
const STATUS = 'notifications/tasks/status';
/** How a client's wish for a task is written. */
const TASK = ['"task"'];
const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** One request at the server. */
export type Requester = (method: string, params: Buffer, context: RequestContext) => Promise<RequestOutcome>;

/** Whether this client speaks tasks with this very server, so that nothing is to be done for it. */
function speaksTasks({ client }: CallHead, offer: ServerOffer): boolean {
  const versions = [client.protocolVersion, offer.protocolVersion];
  return client.endpoint === 'server' && versions.every((version) => version === REVISION_2025_11_25);
}

/**
 * A request at a legacy server. A tool that runs as a task only (2025-11-25 basic/utilities/tasks) is called so, looked
 * after and fetched here: for the client it is a tool like any other. `task` of a client that could not follow it goes.
 */
export function legacyUpstream(
  head: CallHead,
  offer: ServerOffer | undefined,
  clock: Clock,
  request: Requester,
): (params: Buffer) => Upstream {
  return (params) => {
    const plain = offer === undefined || head.method !== 'tools/call' || speaksTasks(head, offer);
    if (plain) return (context) => request(head.method, params, context);
    // Nothing to look for, as with nearly all servers: then the params are not read.
    if (!hasTaskTools(offer.tools) && !mayHold(params, TASK)) return (context) => request(head.method, params, context);
    const spans = topLevelSpans(params);
    const own = spans?.has('task') ? withMembers(params, ['task']) : params;
    const named = spans?.get('name');
    const name = named && valueAt(params, named);
    const tool = offer.tools.find((entry) => entry.name === name);
    if (tool === undefined || !runsAsTask(tool)) return (context) => request(head.method, own, context);
    return (context) => {
      // The client knows of no task.
      const onNotification: RequestContext['onNotification'] = (method, told) => {
        if (method !== STATUS) context.onNotification?.(method, told);
      };
      return driven(own, clock, request, { ...context, ...rising(context), onNotification });
    };
  };
}

/** Whether some tool runs as a task only, by its server's list: looked for once in each. */
const taskTools = new WeakMap<readonly Entry[], boolean>();

function hasTaskTools(tools: readonly Entry[]): boolean {
  const known = taskTools.get(tools);
  if (known !== undefined) return known;
  const has = tools.some(runsAsTask);
  taskTools.set(tools, has);
  return has;
}

function runsAsTask({ execution }: Entry): boolean {
  return isRecord(execution) && execution.taskSupport === 'required';
}

async function driven(
  params: Buffer,
  clock: Clock,
  request: Requester,
  context: RequestContext,
): Promise<RequestOutcome> {
  const task = JSON.stringify({ ttl: TTL_MS });
  const created = await request('tools/call', withMembers(params, [], { task }), context);
  if (created.kind === 'error') return created;
  const first = member(created.json, 'task');
  // A server may answer at once after all.
  if (!isRecord(first) || typeof first.taskId !== 'string') return created;
  const id = Buffer.from(JSON.stringify({ taskId: first.taskId }));
  try {
    return await followed(first, id, clock, request, context);
  } catch (error) {
    // Whatever this later request came to: the tool has been called.
    if (error instanceof ServerError) throw new ServerError(error.code, error.message, true);
    if (context.signal.aborted) {
      const told = request('tasks/cancel', id, { signal: AbortSignal.timeout(CANCEL_MS), ...forClient(context) });
      await told.catch(() => undefined);
    }
    throw error;
  }
}

async function followed(
  first: JsonObject,
  id: Buffer,
  clock: Clock,
  request: Requester,
  context: RequestContext,
): Promise<RequestOutcome> {
  let task = first;
  let told = 0;
  while (task.status === 'working') {
    await pause(clock, interval(task), context.signal);
    context.signal.throwIfAborted();
    const looked = await request('tasks/get', id, { signal: context.signal, ...forClient(context) });
    if (looked.kind === 'error') return looked;
    const before = task.statusMessage;
    task = parsedObject(looked.json);
    if (typeof task.statusMessage === 'string' && task.statusMessage !== before) {
      told += 1;
      context.onProgress?.({ progress: told, message: task.statusMessage });
    }
  }
  // Ends with the task; what a task in `input_required` asks comes while this is open.
  const outcome = await request('tasks/result', id, context);
  return outcome.kind === 'error' ? outcome : { kind: 'result', json: withoutTask(outcome.json) };
}

/** The client hears of one progress, from several requests: it has to rise (basic/utilities/progress). */
function rising({ onProgress }: RequestContext): Pick<RequestContext, 'onProgress'> {
  if (onProgress === undefined) return {};
  let last = Number.NEGATIVE_INFINITY;
  return {
    onProgress: (told) => {
      if (typeof told.progress !== 'number' || told.progress <= last) return;
      last = told.progress;
      onProgress(told);
    },
  };
}

function forClient({ client }: RequestContext): Partial<RequestContext> {
  return client === undefined ? {} : { client };
}

function interval({ pollInterval }: JsonObject): number {
  const wished = typeof pollInterval === 'number' ? pollInterval : POLL_MS;
  return Math.min(Math.max(wished, POLL_LEAST_MS), POLL_MOST_MS);
}

/** The client knows of no task: its result is not to name one. */
function withoutTask(json: Uint8Array): Buffer {
  const meta = topLevelSpans(json)?.get('_meta');
  if (meta === undefined) return Buffer.from(json);
  const kept = withMembers(json.subarray(...meta), [RELATED_TASK]);
  return kept.toString('utf8') === '{}' ? withMembers(json, ['_meta']) : withMembers(json, [], { _meta: kept });
}

/** Whether the client can follow a task of 2026-07-28: it declared the extension (ext-tasks, "Capability"). */
export function followsTasks({ client }: CallHead): boolean {
  const { extensions } = client.capabilities;
  return client.era === 'modern' && isRecord(extensions) && isRecord(extensions[EXTENSION]);
}
