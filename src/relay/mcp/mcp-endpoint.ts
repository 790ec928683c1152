import type { Limits } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { type Accepts, isJson, readAccept } from './answers/accept.js';
import { formatEventId, parseEventId } from './answers/event-id.js';
import { sendOneEvent } from './answers/event-stream.js';
import type { ReplayStreams } from './answers/replay-streams.js';
import { eraOf } from './era.js';
import { type Exchange, header, refuse } from './exchange.js';
import { ErrorCode, errorResponse, readBody } from './json-rpc.js';
import type { LegacyEdge } from './legacy/legacy-edge.js';
import type { Listeners } from './legacy/listeners.js';
import type { Session } from './legacy/session.js';
import type { Sessions } from './legacy/sessions.js';
import type { Lists } from './lists/lists.js';
import type { ModernEdge } from './modern/modern-edge.js';
import { OpenBodies } from './open-bodies.js';
import { type BodyRead, readRequestBody } from './request-body.js';

export interface McpEndpointParts {
  readonly limits: Limits;
  readonly legacy: LegacyEdge;
  readonly modern: ModernEdge;
  readonly sessions: Sessions;
  readonly listeners: Listeners;
  readonly lists: Lists;
  readonly streams: ReplayStreams;
  readonly draining: () => boolean;
  readonly logger: Logger;
  /** Undoes what was subscribed for it. */
  readonly stop: () => void;
}

const GONE = 'The relay no longer has the answer to this request. Its outcome is unknown: check before calling again.';

/** Streamable HTTP by hand: checks each request, tells the eras apart, and hands it on. Its methods never reject. */
export class McpEndpoint {
  readonly #bodies: OpenBodies;

  constructor(private readonly parts: McpEndpointParts) {
    this.#bodies = new OpenBodies(parts.limits.openRequestBytes);
  }

  /** Bytes: see HeldMemory. */
  get held(): { readonly requests: number; readonly lists: number; readonly replays: number } {
    const { lists, streams } = this.parts;
    return { requests: this.#bodies.bytes, lists: lists.keptBytes, replays: streams.bytes };
  }

  /** Without a promise where none is needed: most of the relay's work is to answer POSTs from memory. */
  post(exchange: Exchange): void {
    const { req, res } = exchange;
    const accepts = readAccept(header(req, 'accept'));
    const problem = httpProblem(exchange, accepts);
    if (problem !== undefined) {
      refuse(res, problem.status, { code: ErrorCode.invalidRequest, message: problem.message });
      return;
    }
    const open = this.#bodies.open(exchange.principal.userId);
    res.once('close', () => open.close());
    readRequestBody(req, this.parts.limits.requestBytes, open, (read) => {
      try {
        this.#post(exchange, accepts, read)?.catch((error) => this.#failed(exchange, error));
      } catch (error) {
        this.#failed(exchange, error);
      }
    });
  }

  async get(exchange: Exchange): Promise<void> {
    await this.#guarded(exchange, () => this.#get(exchange));
  }

  /** Whether the device or server that the path names is this user's and present. */
  exists(exchange: Exchange): boolean {
    return this.parts.legacy.exists(exchange);
  }

  /** Ends the session. */
  async delete(exchange: Exchange): Promise<void> {
    await this.#guarded(exchange, async () => {
      const session = await this.parts.legacy.session(exchange, 405);
      const id = header(exchange.req, 'mcp-session-id');
      if (session === undefined || id === undefined) return;
      await this.parts.sessions.end(id, session);
      if (!exchange.res.destroyed) exchange.res.writeHead(204).end();
    });
  }

  /** Ends all streams; calls that still run are cancelled. */
  close(): void {
    this.parts.stop();
    this.parts.sessions.close();
    void this.parts.modern.close();
  }

  #post(exchange: Exchange, accepts: Accepts, read: BodyRead): Promise<void> | undefined {
    const { req, res } = exchange;
    if (read.kind === 'aborted') return undefined;
    if (read.kind === 'too_large') {
      res.setHeader('Connection', 'close');
      const message = `The body is larger than ${this.parts.limits.requestBytes} bytes, the relay's limit (limits.requestBytes)`;
      refuse(res, 413, { code: ErrorCode.invalidRequest, message });
      return undefined;
    }
    if (read.kind === 'no_room') {
      res.setHeader('Connection', 'close');
      res.setHeader('Retry-After', '1');
      const message = 'The relay holds as much of requests as it may (limits.openRequestBytes). Try again in a moment.';
      refuse(res, 503, { code: ErrorCode.internal, message });
      return undefined;
    }
    const body = readBody(read.body);
    if (body.kind === 'unreadable') {
      refuse(res, 400, { code: body.code, message: body.problem });
      return undefined;
    }
    if (eraOf(body, header(req, 'mcp-protocol-version')) === 'legacy') {
      return this.parts.legacy.post(exchange, body, accepts);
    }
    this.parts.modern.post(exchange, body, accepts);
    return undefined;
  }

  async #get(exchange: Exchange): Promise<void> {
    const { req, res } = exchange;
    const session = await this.parts.legacy.session(exchange, 405);
    if (session === undefined || res.destroyed) return;
    const accept = header(req, 'accept')?.toLowerCase() ?? '*/*';
    if (!accept.includes('text/event-stream') && !accept.includes('*/*') && !accept.includes('text/*')) {
      return refuse(res, 406, { code: ErrorCode.invalidRequest, message: 'Accept must allow text/event-stream' });
    }
    const resumed = parseEventId(header(req, 'last-event-id') ?? '');
    if (resumed !== undefined && resumed.stream !== '') return this.#resume(exchange, session, resumed);
    if (this.parts.draining()) {
      res.setHeader('Retry-After', '5');
      return refuse(res, 503, { code: ErrorCode.internal, message: 'The relay is restarting' });
    }
    if (this.parts.listeners.open(session, exchange.principal, res)) return;
    res.setHeader('Retry-After', '30');
    const message = `This client has ${this.parts.limits.streamsPerClient} streams open, which is the limit (limits.streamsPerClient)`;
    refuse(res, 429, { code: ErrorCode.invalidRequest, message });
  }

  /** Only ever the stream the event was of (25N transports, "Resumability"). */
  #resume({ res }: Exchange, session: Session, event: NonNullable<ReturnType<typeof parseEventId>>): void {
    const stream = session.replays.get(event.stream);
    if (stream?.hasMore(event.sequence)) {
      stream.resume(res, event.sequence);
      return;
    }
    // 204 tells an event source that nothing more will come.
    if (stream !== undefined || event.requestId === undefined) return void res.writeHead(204).end();
    const error = errorResponse(event.requestId, ErrorCode.internal, GONE);
    // With an id that says nothing waits any more: a client that comes back with it gets 204.
    sendOneEvent(res, error, formatEventId(event.stream, event.sequence, ''));
  }

  async #guarded(exchange: Exchange, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed(exchange, error);
    }
  }

  #failed({ res }: Exchange, error: unknown): void {
    this.parts.logger.error('request failed', { error });
    if (res.headersSent) res.destroy();
    else refuse(res, 500, { code: ErrorCode.internal, message: 'The relay failed to handle this request' });
  }
}

/** What is wrong with a POST before its body is read. */
function httpProblem(
  { req }: Exchange,
  accepts: Accepts,
): { readonly status: number; readonly message: string } | undefined {
  if (!accepts.json && !accepts.events) {
    return { status: 406, message: 'Accept must allow application/json or text/event-stream' };
  }
  if (!isJson(header(req, 'content-type'))) return { status: 415, message: 'Content-Type must be application/json' };
  const encoding = header(req, 'content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') return { status: 415, message: 'Send the body without Content-Encoding' };
  return undefined;
}
