import { Buffer } from 'node:buffer';
import { memberSpan } from '../../../protocol/json-spans.js';
import { isRecord, modernKey } from '../messages.js';
import type { RequestOutcome } from '../types.js';

/** The request whose answer is the end of a subscription (MCP 2026-07-28 basic/patterns/subscriptions). */
export const LISTEN = 'subscriptions/listen';
const SUBSCRIPTION_ID = modernKey('subscriptionId');

type Params = Readonly<Record<string, unknown>>;

/** The id by which a client knows its subscription; none where it is of an era without, or the agent itself. */
export interface Subscriber {
  readonly id?: unknown;
}

/** What the `_meta` of a client's listen says. */
export function subscriberOf(params: Uint8Array): Subscriber {
  const meta = memberSpan(params, 0, params.length, '_meta');
  const span = meta && memberSpan(params, ...meta, SUBSCRIPTION_ID);
  return span ? { id: JSON.parse(Buffer.from(params.subarray(...span)).toString('utf8')) } : {};
}

/** The subscription that a notification names. */
export function subscriptionOf(params: Params): unknown {
  const { _meta: meta } = params;
  return isRecord(meta) ? meta[SUBSCRIPTION_ID] : undefined;
}

/** Params or a result of a server with the client's id in place of this hop's. */
export function withSubscriber(params: Params, subscriber: Subscriber): Params {
  const { _meta: meta, ...rest } = params;
  const { [SUBSCRIPTION_ID]: _ours, ...others } = isRecord(meta) ? meta : {};
  const theirs = 'id' in subscriber ? { ...others, [SUBSCRIPTION_ID]: subscriber.id } : others;
  return Object.keys(theirs).length > 0 ? { ...rest, _meta: theirs } : rest;
}

/** The answer to a listen, as its client is to have it. */
export function endOfListen(outcome: RequestOutcome, subscriber: Subscriber): RequestOutcome {
  if (outcome.kind === 'error') return outcome;
  const result: unknown = JSON.parse(Buffer.from(outcome.json).toString('utf8'));
  if (!isRecord(result)) return outcome;
  return { kind: 'result', json: Buffer.from(JSON.stringify(withSubscriber(result, subscriber))) };
}
