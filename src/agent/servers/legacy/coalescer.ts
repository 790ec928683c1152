import type { Clock } from '../clock.js';

const PAUSE_MS = 100;

interface Quiet {
  /** What has come since, the latest only. */
  next: (() => void) | undefined;
  callOff(): void;
}

/** Tells of a thing at once, and then of the same thing again after a pause at the earliest: once for all that came meanwhile. */
export class Coalescer {
  readonly #quiet = new Map<string, Quiet>();

  constructor(private readonly clock: Clock) {}

  tell(thing: string, send: () => void): void {
    const quiet = this.#quiet.get(thing);
    if (quiet) quiet.next = send;
    else this.#send(thing, send);
  }

  stop(): void {
    for (const { callOff } of this.#quiet.values()) callOff();
    this.#quiet.clear();
  }

  #send(thing: string, send: () => void): void {
    const quiet: Quiet = {
      next: undefined,
      callOff: this.clock.after(PAUSE_MS, () => {
        this.#quiet.delete(thing);
        if (quiet.next) this.#send(thing, quiet.next);
      }),
    };
    this.#quiet.set(thing, quiet);
    send();
  }
}
