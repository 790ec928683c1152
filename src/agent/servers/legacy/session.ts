import { Buffer } from 'node:buffer';
import type { Logger } from '../../../log/logger.js';
import type { CallClient } from '../../../protocol/call-messages.js';
import type { CallSignal } from '../call-signal.js';
import { type Clock, pause } from '../clock.js';
import { type Hello, initializeParams, readHello } from '../handshake.js';
import { changedList } from '../list-kinds.js';
import { isRecord, notificationMessage, requestMessage } from '../messages.js';
import { taskOf, urlElicitations } from '../passed-through.js';
import { pendingContext } from '../pending-requests.js';
import { ServerChannel } from '../server-channel.js';
import { QueryError, type ServerSession, type ServerSessionEvents } from '../server-session.js';
import type { Transport, TransportEnd } from '../transport.js';
import type { AskPolicy, RequestContext, RequestOutcome } from '../types.js';
import { ServerAsks } from './asks.js';
import { legacyCapabilities } from './legacy-capabilities.js';
import { SharedLogLevel } from './log-level.js';

const INVALID_PARAMS = -32602;
/** A request waits so long for the log level it wants. */
const LOG_LEVEL_MS = 1_000;

/** Never about the request they happen to come with. */
const OUTSIDE = new Set(['notifications/resources/updated', 'notifications/elicitation/complete']);

export interface SessionOptions extends ServerSessionEvents {
  readonly transport: Transport;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long a client's request may stay without an answer or progress. */
  readonly timeoutMs?: number;
  readonly policy: AskPolicy;
  /** The server is gone. Told once, before the requests in flight fail; not after `close`. */
  onEnd(end: TransportEnd): void;
  /** This client was told to open a URL: the server's word that this is done is for it alone. */
  onUrlElicitation(elicitationId: string, client: CallClient): void;
}

/**
 * One MCP session of the legacy era (`initialize`, 2024-11-05 to 2025-11-25) with a local server: this hop's own ids and
 * progress tokens. The modern era (2026-07-28) is another class with the same methods: no `initialize`, an envelope on
 * every request; which one a server gets is decided in `era/`.
 */
export class Session implements ServerSession {
  readonly era = 'legacy';
  readonly #channel: ServerChannel;
  readonly #asks: ServerAsks;
  readonly #logLevel: SharedLogLevel;
  #logs = false;

  constructor(private readonly options: SessionOptions) {
    const { policy, logger, onUrlElicitation } = options;
    this.#channel = new ServerChannel(options, {
      incoming: (message, stream) => {
        if (message.kind === 'request') this.#asks.receive(message.id, message.method, message.params, stream);
        else this.#onNotification(message.method, message.params, stream);
      },
      refused: (error, { client }) => {
        for (const id of urlElicitations(error)) if (client) onUrlElicitation(id, client);
      },
      ended: (end) => {
        options.onEnd(end);
        this.#asks.end();
      },
    });
    const send = (json: Buffer) => void this.#channel.send(json);
    this.#asks = new ServerAsks({ policy, logger, pending: this.#channel.pending, send, onUrlElicitation });
    this.#logLevel = new SharedLogLevel((level) => this.#setLogLevel(level));
  }

  /** Starts the transport and shakes hands (MCP 2025-11-25 basic/lifecycle). @throws Error for the machine's owner, or the signal's reason */
  async open(signal: AbortSignal): Promise<Hello> {
    const { transport, clientInfo, policy } = this.options;
    await this.#channel.start(signal);
    const params = initializeParams(clientInfo, legacyCapabilities(policy));
    const hello = readHello(await this.query('initialize', params, signal));
    this.#logs = isRecord(hello.capabilities.logging);
    transport.negotiated(hello.protocolVersion);
    await this.#channel.send(notificationMessage('notifications/initialized'), 'notifications/initialized');
    return hello;
  }

  /** One request of a client. @throws ServerError, or the signal's reason; or rejects with them */
  request(method: string, params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    const { timeoutMs } = this.options;
    if (context.logLevel === undefined || !this.#logs) return this.#request(method, params, context, timeoutMs, true);
    return this.#withLogs(context.logLevel, () => this.#request(method, params, context, timeoutMs, true));
  }

  async #withLogs(level: string, request: () => Promise<RequestOutcome>): Promise<RequestOutcome> {
    const log = this.wantLogs(level);
    try {
      await log.applied;
      return await request();
    } finally {
      log.release();
    }
  }

  /** Log lines of this level and above are wanted; `applied` once the server writes them. */
  wantLogs(level: string): { readonly applied: Promise<void>; release(): void } {
    return this.#logs ? this.#logLevel.want(level) : { applied: Promise.resolve(), release: () => {} };
  }

  /** One request of our own; its parsed result. @throws QueryError, ServerError, or the signal's reason */
  async query(method: string, params: Readonly<Record<string, unknown>>, signal: CallSignal): Promise<unknown> {
    const outcome = await this.#request(method, Buffer.from(JSON.stringify(params)), { signal }, undefined, false);
    if (outcome.kind === 'result') return JSON.parse(Buffer.from(outcome.json).toString('utf8'));
    throw new QueryError(method, outcome.error);
  }

  notify(method: string, params: Uint8Array): Promise<void> {
    return this.#channel.notify(method, params);
  }

  /** Lines on stdout that were no MCP message. */
  get strayLines(): number {
    return this.#channel.strayLines;
  }

  pause(): void {
    this.options.transport.pause();
  }

  resume(): void {
    this.options.transport.resume();
  }

  /** Fails what is in flight and ends the transport. */
  close(): Promise<void> {
    return this.#channel.close(() => this.#asks.end());
  }

  #request(
    method: string,
    params: Uint8Array,
    context: RequestContext,
    timeoutMs: number | undefined,
    forClient: boolean,
  ): Promise<RequestOutcome> {
    const id = this.#channel.nextId(context.signal);
    const json = requestMessage(id, method, params, context.onProgress ? { progressToken: id } : {});
    if (!json) {
      const error = { code: INVALID_PARAMS, message: 'params must be a JSON object' };
      return Promise.resolve({ kind: 'error', error });
    }
    return this.#channel.request({
      id,
      json,
      context: pendingContext(context, { forClient, method, taskId: taskOf(method, params) }),
      timeoutMs: context.lasting ? undefined : timeoutMs,
    });
  }

  #onNotification(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    if (method === 'notifications/progress') this.#channel.pending.progress(params);
    else if (method === 'notifications/cancelled') this.#asks.takenBack(params);
    else if (method !== 'notifications/message' || !this.#channel.pending.log(params, stream)) {
      this.#onOther(method, params, stream);
    }
  }

  #onOther(method: string, params: Readonly<Record<string, unknown>>, stream: number | undefined): void {
    const list = changedList(method);
    if (list) this.options.onListChanged(list);
    const owned =
      method !== 'notifications/message' &&
      !list &&
      !OUTSIDE.has(method) &&
      this.#channel.pending.notification(method, params, stream);
    if (!owned) this.options.onNotification(method, params);
  }

  async #setLogLevel(level: string): Promise<void> {
    const answered = new AbortController();
    const set = this.query('logging/setLevel', { level }, new AbortController().signal);
    // Whatever it says, requests go on.
    void set.catch(() => undefined).finally(() => answered.abort());
    await pause(this.options.clock, LOG_LEVEL_MS, answered.signal);
  }
}
