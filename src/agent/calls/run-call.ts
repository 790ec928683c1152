import type { Logger } from '../../log/logger.js';
import type { CallHead } from '../../protocol/call-messages.js';
import { type Clock, systemClock } from '../servers/clock.js';
import type { AskPolicy, LocalServers, RequestContext, RequestOutcome } from '../servers/types.js';
import { ServerError } from '../servers/types.js';
import { outcome as outcomeOf, problem, requestName } from './answers.js';
import { inputRequests, inputRounds, readInputRequired, resultType } from './bridge/input-rounds.js';
import { ParkedCalls } from './bridge/parked-calls.js';
import { mayAsk, Parking, type Served, type UpstreamOf } from './bridge/parking.js';
import { pushAsks } from './bridge/push-asks.js';
import { RequestStates } from './bridge/request-state.js';
import { passedRounds, refusedAsk } from './bridge/roots-entries.js';
import { followsTasks, legacyUpstream } from './bridge/tasks.js';
import { translateError } from './bridge/translate-error.js';
import type { ResultFit } from './fit/result-fit.js';
import { bytesOf } from './json-edit.js';
import { logContext, notificationContext, progressContext } from './notifications.js';
import { ownCall } from './own-calls.js';
import type { ShapeSource } from './shape/rules.js';
import { shapeResult } from './shape.js';
import type { CallAnswer, CallOutput } from './wire/running-call.js';
import type { RunCall } from './wire/running-calls.js';

export interface CallRunnerOptions {
  readonly servers: LocalServers;
  readonly logger: Logger;
  /** Largest result the relay takes, in bytes; as its last welcome said. */
  resultBytes(): number;
  /** Makes results fit the client that asks. */
  readonly fit: ResultFit;
  /** 32 bytes that seal what clients bring back, the same after a restart. */
  stateKey(): Uint8Array;
  readonly clock?: Clock;
}

export interface CallRunner {
  readonly run: RunCall;
  /** Bytes: see HeldMemory. */
  readonly held: { readonly keptTexts: number; readonly parked: number };
  /** Ends the calls that wait for a client to come back, and forgets what is kept for clients to read on. */
  close(): void;
}

/** Executes calls on this agent's local servers and shapes what comes back for the client that asked. */
export function callRunner(options: CallRunnerOptions): CallRunner {
  const { servers, fit, clock = systemClock } = options;
  const states = new RequestStates(options.stateKey, clock);
  const parked = new ParkedCalls(clock);
  const parts: Parts = {
    servers,
    fit,
    clock,
    states,
    parked,
    parking: new Parking({ servers, states, parked, clock }),
  };
  return {
    get held() {
      return { keptTexts: fit.keptCharacters, parked: parked.bytes };
    },
    close: () => {
      parked.close();
      fit.close();
    },
    run: async (head, params, output) => {
      const began = performance.now();
      const answer =
        head.server === '' ? await ownCall(parts, head, params, output) : await serverCall(parts, head, params, output);
      const fitting = withinLimit(answer, head, options.resultBytes());
      report(options.logger, head, params, fitting, performance.now() - began, output.leftOut);
      return fitting;
    },
  };
}

interface Parts {
  readonly servers: LocalServers;
  readonly fit: ResultFit;
  readonly clock: Clock;
  readonly states: RequestStates;
  readonly parked: ParkedCalls;
  readonly parking: Parking;
}

async function serverCall(parts: Parts, head: CallHead, params: Buffer, output: CallOutput): Promise<CallAnswer> {
  const { servers } = parts;
  const offer = servers.offer(head.server);
  const about: ShapeSource = { era: offer?.era ?? 'legacy', ...(offer && { serverInfo: offer.serverInfo }) };
  let served: Served;
  try {
    if (head.notify === true) {
      await servers.notify(head.server, head.method, params, head.client);
      return { kind: 'result', json: Buffer.from('{}') };
    }
    if (about.era === 'modern') served = await atModern(parts, head, params, output);
    else if (head.client.ask === 'mrtr' && mayAsk(head.method)) {
      served = await parts.parking.serve(head, params, output, upstreams(parts, head));
    } else served = { kind: 'outcome', outcome: await atLegacy(parts, head, params, output) };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    served = { kind: 'failed', error };
  }
  if (served.kind === 'failed') return failure(head, served.error);
  if (served.kind !== 'outcome') return served;
  const { outcome } = served;
  if (outcome.kind === 'error') return translateError(head, params, outcome.error, about);
  const unknown = about.era === 'modern' ? unknownType(head, served.type ?? resultType(outcome.json)) : undefined;
  if (unknown !== undefined) {
    return problem(head, `the server answered with a result of type "${unknown}", which this client does not know`);
  }
  const fitting = parts.fit.fitResult(head, shapeResult(head, outcome.json, about), output.signal);
  return { kind: 'result', json: Buffer.isBuffer(fitting) ? fitting : await fitting, spent: outcome.json };
}

/** @throws ServerError, or the signal's reason */
function atLegacy(parts: Parts, head: CallHead, params: Buffer, output: CallOutput): Promise<RequestOutcome> {
  const { servers, clock } = parts;
  const onAsk =
    head.client.ask === 'push'
      ? pushAsks(head, output, servers.askPolicy(head.server), clock, servers.offer(head.server)?.protocolVersion)
      : undefined;
  return upstreams(parts, head)(params)(contextOf(head, output, onAsk));
}

function upstreams({ servers, clock }: Parts, head: CallHead): UpstreamOf {
  return legacyUpstream(head, servers.offer(head.server), clock, (method, given, context) =>
    servers.request(head.server, method, given, context),
  );
}

async function atModern(parts: Parts, head: CallHead, params: Buffer, output: CallOutput): Promise<Served> {
  const { servers, clock, states } = parts;
  const { logLevel, ...listened } = head;
  // A modern server writes no log lines for whom listens, and those of calls are to be told from them.
  const context = contextOf(head.lasting === true ? listened : head, output);
  const request = (given: Buffer, used: RequestContext) => servers.request(head.server, head.method, given, used);
  const policy = servers.askPolicy(head.server);
  if (!mayAsk(head.method)) return polled(policy, head, params, context, request);
  const rounds = { policy, clock, request };
  if (head.client.ask === 'mrtr') return passedRounds({ ...rounds, states }, head, params, context);
  return inputRounds(rounds, head, params, output, context);
}

/** What asks by itself in no request: but a task may, in what is told of it (ext-tasks, `inputRequests`). */
async function polled(
  policy: AskPolicy,
  head: CallHead,
  params: Buffer,
  context: RequestContext,
  request: (params: Buffer, context: RequestContext) => Promise<RequestOutcome>,
): Promise<Served> {
  const { onNotification, ...others } = context;
  const told: RequestContext['onNotification'] = (method, about) => {
    if (refusedAsk(policy, head, inputRequests(about.inputRequests)) === undefined) onNotification?.(method, about);
  };
  const outcome = await request(params, onNotification === undefined ? others : { ...others, onNotification: told });
  if (outcome.kind === 'error' || !bytesOf(outcome.json).includes('"inputRequests"'))
    return { kind: 'outcome', outcome };
  const refused = refusedAsk(policy, head, readInputRequired(outcome.json)?.requests ?? []);
  return refused === undefined ? { kind: 'outcome', outcome } : problem(head, refused);
}

/** The type of a result that this client cannot read: a task where it knows none, anything but a whole result before 2026-07-28. */
function unknownType(head: CallHead, type: string | undefined): string | undefined {
  if (type === undefined || type === 'complete' || (type === 'task' && followsTasks(head))) return undefined;
  return head.client.era === 'legacy' || type === 'task' ? type : undefined;
}

function contextOf(head: CallHead, output: CallOutput, onAsk?: RequestContext['onAsk']): RequestContext {
  return {
    signal: output.signal,
    client: head.client,
    room: () => output.room(),
    onProgress: progressContext(head, output),
    onLog: logContext(head, output),
    onNotification: notificationContext(head, output),
    onAsk,
    logLevel: head.logLevel,
    lasting: head.lasting,
  };
}

/** A call that got no answer of its server's. @throws what is no ServerError */
function failure(head: CallHead, error: unknown): CallAnswer {
  if (!(error instanceof ServerError)) throw error;
  const fate = error.dispatched ? 'outcome unknown: it may have run' : 'not dispatched: safe to retry';
  return problem(head, `${error.message} (${fate})`);
}

function withinLimit(answer: CallAnswer, head: CallHead, limit: number): CallAnswer {
  if (answer.json.length <= limit) return answer;
  const size = `${Math.ceil(answer.json.length / 1024 / 1024)} MiB`;
  const message = `the result is too large: ${size}, and the relay takes ${Math.floor(limit / 1024 / 1024)} MiB (limits.resultBytes). The call has run; ask for less`;
  return problem(head, message);
}

/** One line a call: which, how long, how it ended, what its client was too slow for; never its arguments or its result. */
function report(logger: Logger, head: CallHead, params: Buffer, answer: CallAnswer, ms: number, leftOut: number): void {
  const what = head.server === '' ? head.method : `${head.server} ${requestName(head.method, params)}`;
  logger.info(`${what}: ${outcomeOf(answer)}`, {
    ms: Math.round(ms),
    bytes: answer.json.length,
    ...(leftOut > 0 ? { leftOut } : {}),
  });
}
