import type { CallClient } from '../../protocol/call-messages.js';
import type { Principal } from '../auth/principal.js';
import type { CallReply } from './call-reply.js';
import { type Endpoint, endpointPath } from './endpoint.js';
import type { Shape } from './json-rpc.js';
import type { ListenStream } from './listen-stream.js';
import type { ReplayStream } from './replay-stream.js';
import type { SessionClaims } from './session-codec.js';

/** RFC 5424 names, as `logging/setLevel` takes them. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

/** Until the client says otherwise (25N logging leaves it to the server). */
const DEFAULT_LOG_LEVEL = 'info';

export interface RunningCall {
  readonly reply: CallReply;
  readonly grantId: string;
}

/** What a legacy session has in memory beside its claims; all of it may be lost, and is then made anew. */
export class Session {
  /** Calls in flight by JSON text of the request's id. */
  readonly running = new Map<string, RunningCall>();
  /** Streams of calls that can be taken up again, by name. */
  readonly replays = new Map<string, ReplayStream>();
  /** Open GET streams, newest last. */
  readonly listeners = new Set<ListenStream>();
  /** The session as a local server sees its client. */
  readonly client: CallClient;
  logLevel: string = DEFAULT_LOG_LEVEL;
  /** Revision of the tool list that the client has, or has been told of; undefined: not known. */
  knownRevision: string | undefined;
  replayBytes = 0;
  lastUsed = Date.now();

  constructor(
    readonly claims: SessionClaims,
    readonly userId: string,
    readonly clientId: string,
    /** Where it was made; it is of no use elsewhere. */
    readonly endpoint: Endpoint,
  ) {
    this.client = {
      era: 'legacy',
      protocolVersion: claims.version,
      endpoint: endpoint.kind,
      id: clientId,
      ...(claims.clientInfo === undefined ? {} : { info: claims.clientInfo }),
      capabilities: carried(claims.capabilities),
      ask: 'none',
      session: claims.sid,
    };
  }

  /** A session id is no authentication: whoever presents it must be the one it was made for. */
  belongsTo(principal: Principal, endpoint: Endpoint): boolean {
    if (principal.userId !== this.userId || principal.clientId !== this.clientId) return false;
    return endpoint === this.endpoint || endpointPath(endpoint) === endpointPath(this.endpoint);
  }

  get idle(): boolean {
    return this.running.size === 0 && this.replays.size === 0 && this.listeners.size === 0;
  }

  /** Cancels its calls and ends its streams. */
  close(reason: string): void {
    for (const { reply } of [...this.running.values()]) reply.cancel(reason);
    for (const stream of [...this.replays.values()]) stream.abandon();
    for (const listener of [...this.listeners]) listener.end();
    this.replays.clear();
  }
}

/** Capabilities a server may rely on: what needs a way back to the client is not carried. */
function carried(capabilities: Shape): Shape {
  const { elicitation: _e, sampling: _s, roots: _r, tasks: _t, ...rest } = capabilities;
  return rest;
}
