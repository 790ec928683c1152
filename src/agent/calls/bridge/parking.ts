import type { CallHead } from '../../../protocol/call-messages.js';
import type { Clock } from '../../servers/clock.js';
import { isRecord } from '../../servers/messages.js';
import type { LocalServers } from '../../servers/types.js';
import { errorAnswer, problem, resultAnswer } from '../answers.js';
import { type JsonObject, member, withMembers } from '../json-edit.js';
import type { CallAnswer, CallOutput } from '../wire/running-call.js';
import { fitsQuestion, reply, replyFor } from './asks.js';
import { type CallEnd, OpenCall, type Upstream } from './open-call.js';
import { PARKED_MS, type ParkedCalls } from './parked-calls.js';
import { boundTo, newHandle, RETRY_MEMBERS, type RequestState, type RequestStates } from './request-state.js';
import { URL_REQUIRED, urlAsks, urlVerdict } from './url-elicitation.js';

/** The methods that may end with questions (MCP 2026-07-28 basic/patterns/mrtr). */
const ASKING_METHODS = new Set(['tools/call', 'prompts/get', 'resources/read']);

export function mayAsk(method: string): boolean {
  return ASKING_METHODS.has(method);
}

export interface ParkingOptions {
  readonly servers: LocalServers;
  readonly states: RequestStates;
  readonly parked: ParkedCalls;
  readonly clock: Clock;
}

/** The request at the server for these params, which hold nothing of a retry. */
export type UpstreamOf = (params: Buffer) => Upstream;

/** Either how the call at the server ended, or what the client hears instead. */
export type Served = CallEnd | CallAnswer;

/**
 * A modern client's request to a legacy server. Where that asks the client, the request ends with the questions and the
 * call waits; the client's next request brings the answers and takes the call over. It is never executed twice.
 */
export class Parking {
  constructor(private readonly options: ParkingOptions) {}

  /** @throws the reason of the output's signal */
  async serve(head: CallHead, params: Buffer, output: CallOutput, upstreamOf: UpstreamOf): Promise<Served> {
    const requestState = member(params, 'requestState');
    if (requestState === undefined) return this.#attach(this.#begin(head, params, upstreamOf), head, params, output);
    const { states, parked } = this.options;
    const state = await states.open(requestState, boundTo(head, params));
    const given = member(params, 'inputResponses');
    const responses = isRecord(given) ? given : {};
    if (state?.kind === 'replay') return this.#replay(state, responses, head, params, output, upstreamOf);
    if (state?.kind !== 'parked' || parked.wasUsed(state.handle)) return invalidState();
    const call = parked.take(state.handle);
    if (call === undefined) return lost(head);
    for (const [key, { method, settle }] of [...call.questions]) {
      const response = responses[key];
      if (fitsQuestion(method, response)) settle(replyFor(method, reply(response), this.#revision(head)));
    }
    return this.#attach(call, head, params, output);
  }

  #revision({ server }: CallHead): string | undefined {
    return this.options.servers.offer(server)?.protocolVersion;
  }

  #begin(head: CallHead, params: Buffer, upstreamOf: UpstreamOf): OpenCall {
    const policy = this.options.servers.askPolicy(head.server);
    return new OpenCall(upstreamOf(withMembers(params, RETRY_MEMBERS)), head, policy, this.options.clock);
  }

  /** The server wanted URLs visited before it does anything; whether they were, it sees by itself. */
  async #replay(
    { handle, asks }: Extract<RequestState, { kind: 'replay' }>,
    responses: JsonObject,
    head: CallHead,
    params: Buffer,
    output: CallOutput,
    upstreamOf: UpstreamOf,
  ): Promise<Served> {
    if (!this.options.parked.use(handle)) return invalidState();
    const verdict = urlVerdict(asks, responses);
    if (verdict === 'missing') return this.#askUrls(asks, head, params);
    if (verdict === 'declined') return problem(head, 'the user did not open the URL that the server asked for', -32602);
    return this.#attach(this.#begin(head, params, upstreamOf), head, params, output);
  }

  async #attach(call: OpenCall, head: CallHead, params: Buffer, output: CallOutput): Promise<Served> {
    const end = await call.next(head, output);
    if (end === undefined) return this.#park(call, head, params, output);
    if (end.kind === 'failed' || end.outcome.kind === 'result' || end.outcome.error.code !== URL_REQUIRED) return end;
    const asks = urlAsks(end.outcome.error, head);
    return asks === undefined ? end : this.#askUrls(asks, head, params);
  }

  async #park(call: OpenCall, head: CallHead, params: Buffer, output: CallOutput): Promise<CallAnswer> {
    const { states, parked } = this.options;
    const handle = newHandle();
    const requestState = await states.seal({ kind: 'parked', handle }, boundTo(head, params), PARKED_MS);
    if (output.signal.aborted) call.cancel(output.signal.reason);
    output.signal.throwIfAborted();
    parked.park(handle, call);
    const asks = Object.fromEntries([...call.questions].map(([key, { method, params }]) => [key, { method, params }]));
    return inputRequired(asks, requestState);
  }

  async #askUrls(asks: JsonObject, head: CallHead, params: Buffer): Promise<CallAnswer> {
    const state: RequestState = { kind: 'replay', handle: newHandle(), asks };
    return inputRequired(asks, await this.options.states.seal(state, boundTo(head, params), PARKED_MS));
  }
}

function inputRequired(asks: JsonObject, requestState: string): CallAnswer {
  const inputRequests = Object.keys(asks).length === 0 ? {} : { inputRequests: asks };
  return resultAnswer({ resultType: 'input_required', ...inputRequests, requestState });
}

function invalidState(): CallAnswer {
  return errorAnswer({ code: -32602, message: 'Invalid or expired requestState' });
}

function lost(head: CallHead): CallAnswer {
  const again = head.method === 'tools/call' ? 'call the tool again' : 'send the request again';
  return problem(
    head,
    `the pending call was lost on its way (the agent was restarted, or it waited too long): ${again}`,
  );
}
