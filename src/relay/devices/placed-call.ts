import type { Call } from './call.js';
import type { CallFailure, CallHandle, CallSink } from './types.js';

/** A call from the moment it is asked for: it waits for a place, runs, or was refused. */
export class PlacedCall implements CallHandle {
  #call: Call | undefined;
  #cancelled = false;
  #stopWaiting: (() => void) | undefined;

  constructor(private readonly sink: CallSink) {}

  /** @param stop gives up its place in the queue */
  waits(stop: () => void): void {
    this.#stopWaiting = stop;
  }

  runs(call: Call): void {
    this.#call = call;
  }

  /** The sink hears nothing before whoever asked has the handle. */
  refuse(failure: CallFailure): void {
    queueMicrotask(() => this.#cancelled || this.sink.fail(failure));
  }

  cancel(reason: string): void {
    this.#cancelled = true;
    this.#stopWaiting?.();
    this.#call?.cancel(reason);
  }

  consumed(bytes: number): void {
    this.#call?.consumed(bytes);
  }

  answer(ask: number, kind: 'result' | 'error', json: Buffer): void {
    this.#call?.answer(ask, kind, json);
  }
}
