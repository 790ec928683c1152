import { memberSpan } from '../../../protocol/json-spans.js';
import type { CallRequest, CallTarget, Devices } from '../../devices/types.js';
import { failureText } from '../answers/call-reply.js';
import { ErrorCode, isShape, type Shape } from '../json-rpc.js';
import { type ListenEnd, ServerListen } from './server-listen.js';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

export interface ListenTarget {
  readonly target: CallTarget;
  readonly request: Omit<CallRequest, 'method' | 'lasting'>;
}

export interface LastingHooks {
  /** Where to listen now; undefined: nothing is there. */
  find(): ListenTarget | undefined;
  /** @param honoured what the server tells of, of what it was asked @param again it was lost in between */
  acknowledged(honoured: Shape, again: boolean): void;
  /** A notification. @param taken to be told when it has left, or never will: until then no more than a window's worth comes */
  event(method: string, json: Buffer, taken: () => void): void;
  /**
   * The first attempt came to nothing.
   * @param error JSON text of the server's error
   * @returns whether to try again
   */
  refused(error: Buffer): boolean;
}

/**
 * `subscriptions/listen` at one local server, on behalf of a client that has no such method. One that was lost, with its
 * device or its server, is opened again.
 */
export class LastingListen {
  #current: ServerListen | undefined;
  #acknowledged = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly devices: Devices,
    private readonly userId: string,
    private readonly hooks: LastingHooks,
  ) {}

  /** Begins, or begins anew with what `find` says now. */
  open(): void {
    if (this.#closed) return;
    this.#stopWaiting();
    this.#current?.cancel('listening anew');
    this.#current = undefined;
    const found = this.hooks.find();
    if (found === undefined) {
      this.#over(internal('The server is not connected'), true);
      return;
    }
    const { target, request } = found;
    this.#current = new ServerListen({
      event: (json, taken) => this.#event(json, taken),
      ended: (end) => this.#over(errorOf(end), end.kind !== 'error'),
    });
    this.#current.start(this.devices, target, { ...request, method: 'subscriptions/listen', lasting: true });
  }

  close(reason: string): void {
    this.#closed = true;
    this.#stopWaiting();
    this.#current?.cancel(reason);
    this.#current = undefined;
  }

  #event(json: Buffer, taken: () => void): void {
    const span = memberSpan(json, 0, json.length, 'method');
    const method: unknown = span && JSON.parse(json.toString('utf8', ...span));
    if (method !== ACKNOWLEDGED) {
      if (typeof method === 'string') this.hooks.event(method, json, taken);
      else taken();
      return;
    }
    taken();
    const again = this.#acknowledged;
    this.#acknowledged = true;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.hooks.acknowledged(honoured(json), again);
  }

  /**
   * @param error JSON text of what is told where this was the first attempt
   * @param passing it may be better in a moment; a server's own refusal stands until something changes
   */
  #over(error: Buffer, passing: boolean): void {
    this.#current = undefined;
    if (!this.#acknowledged && !this.hooks.refused(error)) {
      this.#closed = true;
      return;
    }
    if (this.#closed) return;
    this.#unwatch = this.devices.onChange(this.userId, () => this.open());
    if (!passing) return;
    this.#timer = setTimeout(() => this.open(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}

/** The filter that an acknowledgement repeats, as far as it is honoured. */
function honoured(json: Buffer): Shape {
  const message: unknown = JSON.parse(json.toString('utf8'));
  const params = isShape(message) ? message.params : undefined;
  return isShape(params) && isShape(params.notifications) ? params.notifications : {};
}

function errorOf(end: ListenEnd): Buffer {
  if (end.kind === 'error') return end.json;
  return internal(end.kind === 'failure' ? failureText(end.failure) : 'The server ended the subscription');
}

function internal(message: string): Buffer {
  return Buffer.from(JSON.stringify({ code: ErrorCode.internal, message }));
}
