import { members } from '../../../protocol/json-spans.js';
import type { Accepts } from '../answers/accept.js';
import { sendJson } from '../answers/answer.js';
import { failureText } from '../answers/call-reply.js';
import type { Caller } from '../caller.js';
import { type ListenEnd, ServerListen } from '../calls/server-listen.js';
import type { ServerEndpoint } from '../endpoint.js';
import type { Exchange } from '../exchange.js';
import { declaresTasks } from '../extensions.js';
import { ErrorCode, errorResponse, type RpcRequest, rawMember } from '../json-rpc.js';
import { serverAt } from '../scope.js';
import { SUBSCRIPTION_ID } from './envelope.js';
import { readFilter } from './listen-filter.js';
import { MergedListen, type MergedListenParts } from './merged-listen.js';
import { sendRefusal } from './modern-error.js';
import { ModernSubscription } from './modern-subscription.js';

export interface ModernListensParts extends MergedListenParts {
  readonly limits: {
    readonly streamsPerClient: number;
    readonly keepaliveSeconds: number;
    readonly silentSeconds: number;
  };
  readonly draining: () => boolean;
}

/** One request to listen. */
export interface ListenRequest {
  readonly exchange: Exchange;
  readonly request: RpcRequest;
  readonly caller: Caller;
  readonly accepts: Accepts;
  readonly traceparent: string | undefined;
}

/** Clients' open `subscriptions/listen` requests (26 basic/patterns/subscriptions). */
export class ModernListens {
  readonly #open = new Map<string, Set<ModernSubscription>>();

  constructor(private readonly parts: ModernListensParts) {}

  open(listen: ListenRequest): void {
    const { exchange, request, accepts } = listen;
    const { limits } = this.parts;
    const { principal, res } = exchange;
    if (!accepts.events) {
      const message = 'A subscription is an event stream: Accept must name text/event-stream';
      sendRefusal(res, accepts, request.id, { code: ErrorCode.invalidRequest, message, status: 406 });
      return;
    }
    if (this.parts.draining()) {
      later(listen, 503, 5, 'The relay is restarting');
      return;
    }
    const owner = JSON.stringify([principal.userId, principal.clientId]);
    const mine = this.#open.get(owner) ?? new Set();
    if (mine.size >= limits.streamsPerClient) {
      const message = `This client has ${mine.size} subscriptions open, which is the limit (limits.streamsPerClient)`;
      later(listen, 429, 30, message);
      return;
    }
    this.#start(listen, mine, () => {
      if (mine.size === 0) this.#open.delete(owner);
    });
    if (mine.size > 0) this.#open.set(owner, mine);
  }

  /** Ends what was opened with a token of this grant. */
  revoke(grantId: string): void {
    for (const each of this.#all()) if (each.grantId === grantId) each.end('access was revoked');
  }

  /** Ends all, and resolves when their clients have been told. */
  async end(): Promise<void> {
    const all = this.#all();
    for (const each of all) each.end('the relay is shutting down');
    await Promise.all(all.map(({ closed }) => closed));
  }

  #all(): readonly ModernSubscription[] {
    return [...this.#open.values()].flatMap((mine) => [...mine]);
  }

  #start(listen: ListenRequest, mine: Set<ModernSubscription>, left: () => void): void {
    const { exchange, request, caller, accepts } = listen;
    const { endpoint } = caller;
    const filter = endpoint.kind === 'server' ? undefined : readFilter(request.params);
    if (typeof filter === 'string') {
      sendRefusal(exchange.res, accepts, request.id, { code: ErrorCode.invalidParams, message: filter });
      return;
    }
    let stop = () => {};
    const { grantId, expiresAt } = exchange.principal;
    const { silentSeconds, keepaliveSeconds } = this.parts.limits;
    const subscription = new ModernSubscription(
      exchange.res,
      { id: request.id, grantId, expiresAt, accepts, silentSeconds, keepaliveSeconds },
      () => {
        mine.delete(subscription);
        left();
        stop();
      },
    );
    mine.add(subscription);
    if (endpoint.kind === 'server') {
      const server = new ServerListen({
        event: (json, taken) => subscription.send(json, taken),
        ended: (end) => ended(subscription, end),
      });
      stop = () => server.cancel('the client stopped listening');
      this.#forward(server, endpoint, listen, subscription);
    } else if (filter !== undefined) {
      const wanted = declaresTasks(caller.client) ? filter : { ...filter, tasks: [] };
      const merged = new MergedListen(this.parts, endpoint, caller, request.id, wanted, subscription);
      stop = () => merged.stop();
      merged.start();
    }
  }

  #forward(listen: ServerListen, endpoint: ServerEndpoint, of: ListenRequest, subscription: ModernSubscription): void {
    const { caller, request, traceparent } = of;
    const found = serverAt(this.parts.devices, caller.userId, endpoint);
    if (found === undefined) {
      subscription.end(`${endpoint.server} on ${endpoint.device} is not connected`);
      return;
    }
    listen.start(
      this.parts.devices,
      { userId: caller.userId, deviceId: found.device.id, server: found.server.name },
      {
        method: request.method,
        params: tagged(rawMember(request.raw, 'params') ?? Buffer.from('{}'), request.id),
        client: caller.client,
        lasting: true,
        ...(traceparent === undefined ? {} : { traceparent }),
      },
    );
  }
}

/** What a transparent endpoint's server ended, and how, is its client's to know; what ended on the way is ended for both. */
function ended(subscription: ModernSubscription, end: ListenEnd): void {
  if (end.kind === 'result') subscription.result(end.json);
  else if (end.kind === 'error') subscription.error(end.json, end.code);
  else subscription.end(failureText(end.failure));
}

function later({ exchange, request }: ListenRequest, status: 429 | 503, seconds: number, message: string): void {
  const { res } = exchange;
  if (res.destroyed) return;
  res.setHeader('Retry-After', String(seconds));
  sendJson(res, status, errorResponse(request.id, ErrorCode.internal, message));
}

/** The params with the subscription's id in `_meta`, where the agent looks for it. @param id JSON text */
function tagged(params: Buffer, id: string): Buffer {
  const meta = (members(params, 0, params.length) ?? []).findLast(({ name }) => name === '_meta');
  if (meta === undefined) return params;
  const kept = (members(params, meta.start, meta.end) ?? []).filter(({ name }) => name !== SUBSCRIPTION_ID);
  const parts: Buffer[] = [params.subarray(0, meta.start), Buffer.from(`{"${SUBSCRIPTION_ID}":${id}`)];
  for (const { keyStart, end } of kept) parts.push(Buffer.from(','), params.subarray(keyStart, end));
  return Buffer.concat([...parts, Buffer.from('}'), params.subarray(meta.end)]);
}
