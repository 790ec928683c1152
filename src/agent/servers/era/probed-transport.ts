import { Buffer } from 'node:buffer';
import { printable } from '../../../log/printable.js';
import type { Clock } from '../clock.js';
import { Deferred, untilAborted } from '../deferred.js';
import { type Hello, REVISIONS, readDiscovery } from '../handshake.js';
import { isRecord, readMessages, requestMessage } from '../messages.js';
import { envelope, MODERN_REVISION } from '../modern/envelope.js';
import type { Outgoing, Transport, TransportEnd, TransportEvents } from '../transport.js';
import { type JsonRpcError, type ServerError, StartError } from '../types.js';

/** How long a server may take to answer `server/discover` before it is taken for one that ignores it. */
export const PROBE_MS = 4_000;
/** No session gets to this id, so a late answer to the probe is never taken for another's. */
const PROBE_ID = 2 ** 31 - 1;
const DISCOVER = 'server/discover';
const UNSUPPORTED_VERSION = -32022;
/** Errors that only servers of the modern era send (MCP 2026-07-28 basic/index#error-codes): header mismatch, missing capability. */
const MODERN_ERRORS: readonly number[] = [-32020, -32021];
/** What a server may say before it has been spoken to by its session. */
const KEPT_MESSAGES = 100;

const KNOWN = [MODERN_REVISION, ...REVISIONS];

type Answer =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'error'; readonly error: JsonRpcError }
  | { readonly kind: 'ended'; readonly end: TransportEnd }
  | { readonly kind: 'none' };

/** What a probe has shown (MCP 2026-07-28 basic/versioning#backward-compatibility). */
export type Finding =
  | { readonly era: 'modern'; readonly hello: Hello }
  /** Go on with `initialize` on this transport. */
  | { readonly era: 'legacy' }
  /** The server ended on the probe; it may do so on anything before `initialize`. */
  | { readonly era: 'ended'; readonly end: TransportEnd };

/** A transport on which the server is asked for its era before a session takes it over. */
export class ProbedTransport implements Transport {
  readonly #answer = new Deferred<Answer>();
  #events: TransportEvents | undefined;
  #kept: [Buffer, number | undefined][] = [];
  #end: TransportEnd | undefined;
  #probing = true;
  #late: Hello | undefined;

  constructor(private readonly inner: Transport) {}

  /**
   * @param patient without a time limit of its own
   * @throws StartError where there is no way to the server, or it says that nothing will do; the signal's reason
   */
  async probe(
    clientInfo: Readonly<Record<string, unknown>>,
    clock: Clock,
    patient: boolean,
    signal: AbortSignal,
  ): Promise<Finding> {
    await this.inner.start(
      {
        message: (json, request) => this.#onMessage(json, request),
        failed: (request, error) => this.#onFailed(request, error),
        ended: (end) => this.#onEnded(end),
        room: (request) => this.#events?.room?.(request),
      },
      signal,
    );
    const json = requestMessage(PROBE_ID, DISCOVER, Buffer.alloc(0), envelope(clientInfo, {}));
    const callOff = patient ? () => {} : clock.after(PROBE_MS, () => this.#answer.resolve({ kind: 'none' }));
    try {
      if (json) await untilAborted(Promise.race([this.#send(json), this.#answer.promise]), signal);
      return this.#judge(await untilAborted(this.#answer.promise, signal));
    } finally {
      callOff();
    }
  }

  /** What the server said of itself after its time was up. */
  get lateHello(): Hello | undefined {
    return this.#late;
  }

  /** The era is settled: nothing is waited for any more. */
  done(): void {
    this.#probing = false;
    this.inner.release(PROBE_ID);
  }

  /** A session takes over, and is told what has come so far. */
  async start(events: TransportEvents, signal: AbortSignal): Promise<void> {
    const { inner } = this;
    const untouched = !this.#answer.settled && this.#probing;
    if (untouched) return inner.start(events, signal);
    this.#events = events;
    for (const [json, request] of this.#kept.splice(0)) events.message(json, request);
    if (this.#end) events.ended(this.#end);
  }

  send(json: Buffer, outgoing: Outgoing): boolean | Promise<boolean> {
    return this.inner.send(json, outgoing);
  }

  release(request: number): void {
    this.inner.release(request);
  }

  negotiated(protocolVersion: string): void {
    this.inner.negotiated(protocolVersion);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  lastWords(): readonly string[] {
    return this.inner.lastWords();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async #send(json: Buffer): Promise<void> {
    try {
      await this.inner.send(json, { request: PROBE_ID, method: DISCOVER });
    } catch (error) {
      if (error instanceof StartError) throw error;
      // A child that does not read any more has ended, or will be told of as it ends.
    }
  }

  #judge(answer: Answer): Finding {
    if (answer.kind === 'hello') return { era: 'modern', hello: answer.hello };
    if (answer.kind === 'ended') return { era: 'ended', end: answer.end };
    const problem = answer.kind === 'error' ? hopeless(answer.error) : undefined;
    if (problem !== undefined) throw new StartError('bad_protocol', problem);
    return { era: 'legacy' };
  }

  #onMessage(json: Buffer, request: number | undefined): void {
    if (this.#probing && this.#isAnswer(json)) return;
    if (this.#events) this.#events.message(json, request);
    else if (this.#kept.length < KEPT_MESSAGES) this.#kept.push([json, request]);
  }

  #isAnswer(json: Buffer): boolean {
    if (!json.includes(String(PROBE_ID))) return false;
    const [message, ...others] = readMessages(json) ?? [];
    if (others.length > 0 || (message?.kind !== 'result' && message?.kind !== 'error') || message.id !== PROBE_ID)
      return false;
    const hello = message.kind === 'result' ? readDiscovery(JSON.parse(message.json.toString('utf8'))) : undefined;
    if (this.#answer.settled) this.#late = hello;
    if (hello) this.#answer.resolve({ kind: 'hello', hello });
    else if (message.kind === 'error') this.#answer.resolve({ kind: 'error', error: message.error });
    else this.#answer.resolve({ kind: 'none' });
    return true;
  }

  #onFailed(request: number | undefined, error: ServerError): void {
    if (request === PROBE_ID) this.#answer.resolve({ kind: 'none' });
    else this.#events?.failed(request, error);
  }

  #onEnded(end: TransportEnd): void {
    this.#end = end;
    this.#answer.resolve({ kind: 'ended', end });
    this.#events?.ended(end);
  }
}

/** Why there is no use in `initialize` after this error; undefined when there may be. */
function hopeless({ code, message, data }: JsonRpcError): string | undefined {
  if (MODERN_ERRORS.includes(code)) return `refused "${DISCOVER}": ${printable(message.slice(0, 200))} (${code})`;
  const supported = code === UNSUPPORTED_VERSION && isRecord(data) ? data.supported : undefined;
  if (!Array.isArray(supported) || supported.some((version) => KNOWN.includes(version))) return undefined;
  const theirs = printable(supported.map(String).join(', ').slice(0, 200));
  return `speaks MCP ${theirs}, this agent speaks ${KNOWN.join(', ')}: update one of them`;
}
