import type { CallClient } from '../../../protocol/call-messages.js';
import type { Principal } from '../../auth/principal.js';
import type { CallReply } from '../answers/call-reply.js';
import { Mailbox } from '../answers/mailbox.js';
import type { ReplayStream } from '../answers/replay-stream.js';
import type { Caller } from '../caller.js';
import type { LastingListen } from '../calls/lasting-listen.js';
import { type Endpoint, endpointPath } from '../endpoint.js';
import type { ListKind } from '../lists/lists.js';
import { carriedClientCapabilities, unasked } from './client-capabilities.js';
import { SessionQuestions } from './questions.js';
import type { SessionClaims } from './session-codec.js';

/** Until the client says otherwise (25N logging leaves it to the server). */
const DEFAULT_LOG_LEVEL = 'info';

export interface RunningCall {
  readonly reply: CallReply;
  readonly grantId: string;
}

/** A resource the client wants to hear of. */
export interface Subscribed {
  readonly listen: LastingListen;
  readonly grantId: string;
}

/** What servers say outside of calls, of those that the session has called; by their keys. */
export interface CalledListening {
  /** Begins, or begins anew. */
  open(): void;
  called(key: string): void;
  close(reason: string): void;
}

/** What a legacy session has in memory beside its claims; all of it may be lost, and is then made anew. */
export class Session {
  /** Calls in flight by JSON text of the request's id. */
  readonly running = new Map<string, RunningCall>();
  /** Streams of calls that can be taken up again, by name. */
  readonly replays = new Map<string, ReplayStream>();
  /** What goes out on GET streams. */
  readonly mailbox = new Mailbox();
  readonly questions = new SessionQuestions();
  /** Subscriptions by the URI as the client knows it. */
  readonly subscriptions = new Map<string, Subscribed>();
  /** Ids of the devices that its requests went to. */
  readonly devices = new Set<string>();
  /** Revisions of the lists that the client has, or has been told of. */
  readonly known = new Map<ListKind, string>();
  /** The session as a local server sees its client, for what belongs to no request. */
  readonly client: CallClient;
  readonly #asked: CallClient;
  /** At an endpoint of several servers: keys of those that its requests went to (protocol/uris.ts). */
  readonly called = new Set<string>();
  /** At a transparent endpoint, while a GET stream is open. */
  listen: LastingListen | undefined;
  /** At the others, while a GET stream is open. */
  calledListens: CalledListening | undefined;
  logLevel: string = DEFAULT_LOG_LEVEL;
  replayBytes = 0;
  lastUsed = Date.now();

  constructor(
    readonly claims: SessionClaims,
    readonly userId: string,
    readonly clientId: string,
    /** Where it was made; it is of no use elsewhere. */
    readonly endpoint: Endpoint,
  ) {
    const capabilities = carriedClientCapabilities(claims.capabilities, claims.version, endpoint);
    this.#asked = {
      era: 'legacy',
      protocolVersion: claims.version,
      endpoint: endpoint.kind,
      id: clientId,
      ...(claims.clientInfo === undefined ? {} : { info: claims.clientInfo }),
      capabilities,
      ask: 'push',
      session: claims.sid,
    };
    this.client = { ...this.#asked, ask: 'none', capabilities: unasked(capabilities) };
  }

  /** @param events the request can be answered by a stream, on which the client can be asked */
  caller(events: boolean): Caller {
    const { userId, endpoint, logLevel } = this;
    const client = events ? this.#asked : this.client;
    return { userId, endpoint, client, logLevel, went: (deviceId, key) => this.#went(deviceId, key) };
  }

  /** A session id is no authentication: whoever presents it must be the one it was made for. */
  belongsTo(principal: Principal, endpoint: Endpoint): boolean {
    if (principal.userId !== this.userId || principal.clientId !== this.clientId) return false;
    return endpoint === this.endpoint || endpointPath(endpoint) === endpointPath(this.endpoint);
  }

  get idle(): boolean {
    return this.running.size === 0 && this.replays.size === 0 && this.mailbox.newest === undefined;
  }

  /** Ends whatever runs under a grant that was revoked. */
  revoke(grantId: string): void {
    for (const stream of this.mailbox.streams) if (stream.grantId === grantId) stream.end();
    for (const call of [...this.running.values()]) if (call.grantId === grantId) call.reply.cancel('access revoked');
    for (const [uri, { listen, grantId: under }] of this.subscriptions) {
      if (under !== grantId) continue;
      listen.close('access revoked');
      this.subscriptions.delete(uri);
    }
  }

  /** Cancels its calls, gives up its subscriptions and ends its streams. */
  close(reason: string): void {
    for (const { reply } of [...this.running.values()]) reply.cancel(reason);
    for (const stream of [...this.replays.values()]) stream.abandon();
    for (const { listen } of this.subscriptions.values()) listen.close(reason);
    this.listen?.close(reason);
    this.listen = undefined;
    this.calledListens?.close(reason);
    this.calledListens = undefined;
    this.mailbox.end();
    this.replays.clear();
    this.subscriptions.clear();
  }

  #went(deviceId: string, key: string | undefined): void {
    this.devices.add(deviceId);
    if (key === undefined) return;
    this.called.add(key);
    this.calledListens?.called(key);
  }
}
