import type { CallHead } from '../../../protocol/call-messages.js';
import { topLevelSpans } from '../../../protocol/json-spans.js';
import { type Clock, pause } from '../../servers/clock.js';
import { isRecord } from '../../servers/messages.js';
import {
  type AskPolicy,
  type AskReply,
  type RequestContext,
  type RequestOutcome,
  ServerError,
} from '../../servers/types.js';
import { problem } from '../answers.js';
import { bytesOf, type Edits, type JsonObject, parsedObject, valueAt, withMembers } from '../json-edit.js';
import type { CallOutput } from '../wire/running-call.js';
import { ELICIT, fitsQuestion, noReply, ownReply, ROOTS } from './asks.js';
import type { Served } from './parking.js';
import { RETRY_MEMBERS } from './request-state.js';
import { translateAsk } from './translate-ask.js';

/** A server that asks more often than this will not stop. */
export const ROUNDS = 8;
/** Time a user has for the questions of one round, and a server for becoming ready without a question. */
const LEG_MS = 10 * 60_000;
/** Before a server that only gave a state is asked again; doubled each time, up to the second. */
const RETRY_MS = 250;
const RETRY_MAX_MS = 4_000;
const CANCEL = Buffer.from('{"action":"cancel"}');

/** What a modern server wants before it goes on (MCP 2026-07-28 basic/patterns/mrtr). */
export interface InputRequired {
  readonly requests: readonly (readonly [key: string, method: string, params: JsonObject])[];
  /** Its `requestState`, JSON text byte for byte. */
  readonly state: Buffer | undefined;
}

/** A result's `resultType`. Large results without a word of it are not read. */
export function resultType(json: Uint8Array): string | undefined {
  if (!bytesOf(json).includes('"resultType"')) return undefined;
  const span = topLevelSpans(json)?.get('resultType');
  const value = span && valueAt(json, span);
  return typeof value === 'string' ? value : undefined;
}

/** The entries of an `inputRequests` member. */
export function inputRequests(map: unknown): InputRequired['requests'] {
  return Object.entries(isRecord(map) ? map : {}).map(([key, entry]) => {
    const { method, params } = isRecord(entry) ? entry : {};
    return [key, String(method), isRecord(params) ? params : {}] as const;
  });
}

/** Reads an `input_required` result; undefined when it holds neither a question nor a state. */
export function readInputRequired(json: Uint8Array): InputRequired | undefined {
  const spans = topLevelSpans(json);
  const [asked, stated] = [spans?.get('inputRequests'), spans?.get('requestState')];
  const requests = inputRequests(asked && valueAt(json, asked));
  const state = stated && bytesOf(json).subarray(...stated);
  return requests.length === 0 && state === undefined ? undefined : { requests, state };
}

export interface RoundsOptions {
  readonly policy: AskPolicy;
  readonly clock: Clock;
  /** One request at the server with these params. */
  request(params: Buffer, context: RequestContext): Promise<RequestOutcome>;
}

/**
 * A legacy client's request to a modern server: where that wants input, the client is asked while its request stays open,
 * and the request is sent again with the answers.
 *
 * @throws ServerError, or the signal's reason
 */
export async function inputRounds(
  options: RoundsOptions,
  head: CallHead,
  params: Buffer,
  output: CallOutput,
  context: RequestContext,
): Promise<Served> {
  const { clock } = options;
  // A task of 2025-11-25 means nothing to a modern server.
  const own = withMembers(params, [...RETRY_MEMBERS, 'task']);
  let current = own;
  let rounds = 0;
  let [delay, waitUntil] = [RETRY_MS, clock.now() + LEG_MS];
  for (;;) {
    const outcome = await (current === own ? options.request(own, context) : again(options, current, context));
    const type = outcome.kind === 'result' ? resultType(outcome.json) : undefined;
    if (outcome.kind === 'error' || type !== 'input_required') return { kind: 'outcome', outcome, type };
    const wanted = readInputRequired(outcome.json);
    if (wanted === undefined) return problem(head, 'the server wants input, and does not say which');
    const state: Edits = wanted.state === undefined ? {} : { requestState: wanted.state };
    if (wanted.requests.length === 0) {
      if (clock.now() >= waitUntil) return problem(head, 'the server was not ready in time');
      await pause(clock, delay, output.signal);
      output.signal.throwIfAborted();
      delay = Math.min(delay * 2, RETRY_MAX_MS);
      current = withMembers(own, [], state);
      continue;
    }
    rounds += 1;
    if (rounds > ROUNDS) return problem(head, `the server asked for input more than ${ROUNDS} times`);
    const answers = await answerAll(options, head, wanted, output);
    if (typeof answers === 'string') return problem(head, answers);
    current = withMembers(own, [], { inputResponses: answers, ...state });
    [delay, waitUntil] = [RETRY_MS, clock.now() + LEG_MS];
  }
}

/** A later request of a call: whatever becomes of it, the server has worked on the call before. */
async function again({ request }: RoundsOptions, params: Buffer, context: RequestContext): Promise<RequestOutcome> {
  try {
    return await request(params, context);
  } catch (error) {
    throw error instanceof ServerError ? new ServerError(error.code, error.message, true) : error;
  }
}

/** The `inputResponses` of one round, JSON text; a string says why there are none. */
async function answerAll(
  options: RoundsOptions,
  head: CallHead,
  { requests }: InputRequired,
  output: CallOutput,
): Promise<Buffer | string> {
  const late = new AbortController();
  const callOff = options.clock.after(LEG_MS, () => late.abort(new Error('no answer in time')));
  try {
    const answers = await Promise.all(
      requests.map(async ([key, method, params]) => {
        return [key, await answerOne(options.policy, head, method, params, output, late.signal)] as const;
      }),
    );
    output.signal.throwIfAborted();
    const parts: Buffer[] = [];
    for (const [key, json] of answers) {
      if (typeof json === 'string') return json;
      parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}${JSON.stringify(key)}:`), json);
    }
    return Buffer.concat([...parts, Buffer.from('}')]);
  } finally {
    callOff();
  }
}

/** An answer as the server can take it, JSON text; a string says why there is none. */
async function answerOne(
  policy: AskPolicy,
  head: CallHead,
  method: string,
  given: JsonObject,
  output: CallOutput,
  late: AbortSignal,
): Promise<Buffer | string> {
  const json = Buffer.from(JSON.stringify(given));
  const own = ownReply(method, json, head.client, policy);
  if (own?.kind === 'result' && method === ROOTS) return bytesOf(own.json);
  if (own !== undefined) return unable(head, method, own);
  const params = translateAsk(method, json, head);
  if (params === undefined) return CANCEL;
  const answer = await output.ask(method, params, late).catch(() => noReply(method));
  if (answer.kind === 'result' && fitsQuestion(method, parsedObject(answer.json))) return bytesOf(answer.json);
  // There is no answer that is an error, but elicitation has a word for it.
  if (method === ELICIT) return CANCEL;
  const why = answer.kind === 'error' ? `: ${answer.error.message}` : '';
  return `the server asked the client for ${method}, and got no answer it can use${why}`;
}

/** Why a call ends over a question that is not put to its client. */
export function unable({ client }: CallHead, method: string, own: AskReply): string {
  if (client.ask === 'none')
    return `the server has to ask for ${method}, and this client cannot be asked during a call`;
  const why = own.kind === 'error' ? own.error.message : `this client does not offer ${method.split('/')[0]}`;
  return `the server has to ask for ${method}: ${why}`;
}
