import { isRecord } from '../messages.js';
import type { PendingRequests } from '../pending-requests.js';
import type { RequestContext } from '../types.js';

/** What a server may ask of a client while it works on a request; of no other can a 2026-07-28 client be told (basic/mrtr). */
const INTERACTIVE = new Set(['tools/call', 'prompts/get', 'resources/read', 'tasks/result']);

/** A client's request that a question of the server's may be about. */
export interface Candidate {
  readonly id: number;
  readonly context: RequestContext & { readonly taskId?: string | undefined };
  /** Given up, but the server may not know yet. */
  readonly abandoned?: boolean;
}

/** In the order of dispatch. */
export function candidates(pending: PendingRequests): Candidate[] {
  return pending.sent().filter(({ context }) => context.forClient && INTERACTIVE.has(context.method));
}

/** What is known of a question. */
export interface Question {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The request on whose own stream it came, where the transport can tell. */
  readonly stream: number | undefined;
}

/**
 * The request that a legacy server's question is about, since the protocol of these revisions does not say it:
 *
 * - it names a task: the `tasks/result` that waits for this task;
 * - it came on a request's own stream (Streamable HTTP): that request;
 * - else, if all that it may be about is of one client (by OAuth client id): the one dispatched last of those whose client
 *   can be asked this. Requests given up a moment ago count too, and so do those whose client cannot be asked at all;
 * - of several clients: none. A question must never come up in another application than the one that caused it.
 *
 * @param running in the order of dispatch
 */
export function attribute(question: Question, running: readonly Candidate[]): Candidate | undefined {
  const named = relatedTask(question.params);
  const task = running.findLast(({ context }) => named !== undefined && context.taskId === named);
  if (named !== undefined) return askable(task);
  if (question.stream !== undefined) return askable(running.find(({ id }) => id === question.stream));
  if (new Set(running.map(({ context }) => context.client?.id)).size > 1) return undefined;
  const open = running.filter((candidate) => askable(candidate) !== undefined);
  return open.findLast((candidate) => refusal(question, candidate) === undefined) ?? open.at(-1);
}

function askable(candidate: Candidate | undefined): Candidate | undefined {
  return candidate?.context.onAsk !== undefined && !candidate.abandoned ? candidate : undefined;
}

function relatedTask(params: Readonly<Record<string, unknown>>): unknown {
  const { _meta: meta } = params;
  const related = isRecord(meta) ? meta['io.modelcontextprotocol/related-task'] : undefined;
  return isRecord(related) ? related.taskId : undefined;
}

/** Why this request's client cannot be asked this; undefined when it can. */
export type Refusal =
  /** It has no such capability, or nobody is there to ask. */
  | 'nobody'
  /** It has, but not in this form. */
  | 'form';

/** What the capabilities of the request's client say (MCP 2025-11-25 client/elicitation and client/sampling, "Capabilities"). */
export function refusal({ method, params }: Question, { context }: Candidate): Refusal | undefined {
  const { elicitation, sampling } = context.client?.capabilities ?? {};
  if (method === 'elicitation/create') {
    if (!isRecord(elicitation)) return 'nobody';
    // An empty object stands for forms alone: older revisions know nothing else.
    const form = 'form' in elicitation || !('url' in elicitation);
    return (params.mode === 'url' ? 'url' in elicitation : form) ? undefined : 'form';
  }
  if (!isRecord(sampling)) return 'nobody';
  const withTools = params.tools !== undefined || params.toolChoice !== undefined;
  return withTools && !('tools' in sampling) ? 'form' : undefined;
}
