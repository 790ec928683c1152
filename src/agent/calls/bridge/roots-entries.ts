import type { CallHead } from '../../../protocol/call-messages.js';
import { isRecord } from '../../servers/messages.js';
import type { AskPolicy, RequestContext } from '../../servers/types.js';
import { problem } from '../answers.js';
import { type Edits, type JsonObject, member, withMembers } from '../json-edit.js';
import { ELICIT, isVisitable, ownReply, ROOTS, SAMPLE } from './asks.js';
import {
  type InputRequired,
  ROUNDS,
  type RoundsOptions,
  readInputRequired,
  resultType,
  unable,
} from './input-rounds.js';
import type { Served } from './parking.js';
import { boundTo, RETRY_MEMBERS, type RequestStates } from './request-state.js';
import { translateAsk } from './translate-ask.js';

/** The server's own state has an end of its own; this is ours for the roots beside it. */
const STATE_MS = 60 * 60_000;

/**
 * A modern client's request to a modern server: what the server wants is the client's to answer, and goes through byte
 * for byte. Two things are not: roots are those of the agent's config, where it has some, and an endpoint of several
 * servers says which one asks.
 *
 * @throws ServerError, or the signal's reason
 */
export async function passedRounds(
  options: RoundsOptions & { readonly states: RequestStates },
  head: CallHead,
  params: Buffer,
  context: RequestContext,
): Promise<Served> {
  let current = await withOwnRoots(options, head, params);
  for (let round = 0; round <= ROUNDS; round += 1) {
    const outcome = await options.request(current, context);
    const type = outcome.kind === 'result' ? resultType(outcome.json) : undefined;
    if (outcome.kind === 'error' || type !== 'input_required') return { kind: 'outcome', outcome, type };
    const wanted = readInputRequired(outcome.json);
    const refused = refusedAsk(options.policy, head, wanted?.requests ?? []);
    if (refused !== undefined) return problem(head, refused);
    const keys = options.policy.roots === undefined ? [] : rootsKeys(wanted);
    if (wanted === undefined || (keys.length === 0 && head.client.uriKey === undefined))
      return { kind: 'outcome', outcome };
    if (keys.length < wanted.requests.length || keys.length === 0) {
      return {
        kind: 'outcome',
        outcome: { kind: 'result', json: await forClient(options, head, params, outcome.json, keys) },
      };
    }
    current = withMembers(params, RETRY_MEMBERS, {
      inputResponses: JSON.stringify(rootsResponses(options, keys)),
      ...(wanted.state === undefined ? {} : { requestState: wanted.state }),
    });
  }
  return problem(head, `the server asked for roots more than ${ROUNDS} times`);
}

/**
 * What the agent's config does not let a server ask, no server is to get by asking undeclared; and no page that is none
 * is to be opened. Whether the client declared the rest is between the two.
 *
 * @returns why these questions are not put to the client
 */
export function refusedAsk(policy: AskPolicy, head: CallHead, requests: InputRequired['requests']): string | undefined {
  for (const [, method, params] of requests) {
    const checked =
      method === SAMPLE ||
      (method === ROOTS && policy.roots === undefined) ||
      (method === ELICIT && !isVisitable(params));
    const own = checked ? ownReply(method, Buffer.from(JSON.stringify(params)), head.client, policy) : undefined;
    if (own !== undefined) return unable(head, method, own);
  }
  return undefined;
}

function rootsKeys(wanted: InputRequired | undefined): string[] {
  return (wanted?.requests ?? []).filter(([, method]) => method === ROOTS).map(([key]) => key);
}

function rootsResponses({ policy }: RoundsOptions, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, { roots: policy.roots ?? [] }]));
}

/** The result without the entries the agent answers; its state holds their keys until the client comes back. */
async function forClient(
  { states }: { readonly states: RequestStates },
  head: CallHead,
  params: Buffer,
  json: Uint8Array,
  keys: readonly string[],
): Promise<Buffer> {
  const { requests, state } = readInputRequired(json) ?? { requests: [], state: undefined };
  const left = requests.filter(([key]) => !keys.includes(key));
  const asks = left.map(([key, method, asked]) => {
    const named = method === ELICIT ? translateAsk(method, Buffer.from(JSON.stringify(asked)), head) : undefined;
    return [key, { method, params: named === undefined ? asked : JSON.parse(named.toString('utf8')) }];
  });
  const inputRequests: Edits = left.length === 0 ? {} : { inputRequests: JSON.stringify(Object.fromEntries(asks)) };
  if (keys.length === 0) return withMembers(json, [], inputRequests);
  const own = { kind: 'roots', upstream: state?.toString('utf8'), keys } as const;
  const sealed = await states.seal(own, boundTo(head, params), STATE_MS);
  return withMembers(json, ['inputRequests'], { ...inputRequests, requestState: JSON.stringify(sealed) });
}

/** A retry with a state of ours: the server gets its own back, and the roots beside the client's answers. */
async function withOwnRoots(
  options: RoundsOptions & { readonly states: RequestStates },
  head: CallHead,
  params: Buffer,
): Promise<Buffer> {
  const requestState = member(params, 'requestState');
  if (requestState === undefined) return params;
  const ours = await options.states.open(requestState, boundTo(head, params));
  // Not ours, then it is the server's, which knows best what it sealed.
  if (ours?.kind !== 'roots') return params;
  const given = member(params, 'inputResponses');
  const responses = { ...(isRecord(given) ? given : {}), ...rootsResponses(options, ours.keys) };
  return withMembers(params, RETRY_MEMBERS, {
    inputResponses: JSON.stringify(responses),
    ...(ours.upstream === undefined ? {} : { requestState: ours.upstream }),
  });
}
