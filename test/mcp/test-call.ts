import { EventEmitter, once } from 'node:events';
import type { CallHandle, CallRequest, CallSink, CallTarget } from '../../src/relay/devices/types.js';

/** One call as it reached the devices, to be answered by the test. */
export class TestCall implements CallHandle {
  consumedBytes = 0;
  cancelled: string | undefined;
  /** What the client answered, in order. */
  readonly answers: { readonly ask: number; readonly kind: 'result' | 'error'; readonly json: string }[] = [];
  readonly #changed = new EventEmitter();

  constructor(
    readonly target: CallTarget,
    readonly request: CallRequest,
    readonly sink: CallSink,
  ) {}

  get params(): string {
    return this.request.params.toString('utf8');
  }

  cancel(reason: string): void {
    this.cancelled = reason;
    this.#changed.emit('cancel');
  }

  consumed(bytes: number): void {
    this.consumedBytes += bytes;
    this.#changed.emit('consumed');
  }

  answer(ask: number, kind: 'result' | 'error', json: Buffer): void {
    this.answers.push({ ask, kind, json: json.toString('utf8') });
    this.#changed.emit('answer');
  }

  /** Resolves with the first `count` answers once they are there. */
  async answered(count = 1): Promise<TestCall['answers']> {
    while (this.answers.length < count) await once(this.#changed, 'answer');
    return this.answers.slice(0, count);
  }

  /** The server asks the client. @param params an object, or JSON text as it is */
  ask(ask: number, method: string, params: object | string): void {
    const text = typeof params === 'string' ? params : JSON.stringify(params);
    this.sink.ask({ ask, method, params: Buffer.from(text) });
  }

  /** A notification of the server's. */
  notify(method: string, params?: object): void {
    this.sink.event(Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params })));
  }

  /** As the first event of a listen: what of it is honoured. */
  acknowledge(notifications: object): void {
    this.notify('notifications/subscriptions/acknowledged', { notifications });
  }

  error(error: object): void {
    this.sink.piece('error', Buffer.from(JSON.stringify(error)), true);
  }

  /** Resolves once the call was cancelled. */
  async cancellation(): Promise<string> {
    if (this.cancelled === undefined) await once(this.#changed, 'cancel');
    return this.cancelled ?? '';
  }

  /** Resolves once at least this many bytes have been consumed. */
  async consumption(bytes: number): Promise<void> {
    while (this.consumedBytes < bytes) await once(this.#changed, 'consumed');
  }

  result(json: string): void {
    this.sink.piece('result', Buffer.from(json), true);
  }

  progress(progress: number, token: string | number = 'p'): void {
    const params = { progressToken: token, progress };
    this.sink.event(Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })));
  }
}
