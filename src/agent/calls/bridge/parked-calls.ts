import type { Clock } from '../../servers/clock.js';
import type { OpenCall } from './open-call.js';

/** Time a user has for an answer. */
export const PARKED_MS = 10 * 60_000;
/** Calls one client may leave waiting, and all of them; above this the one that has waited longest is given up. */
const OF_ONE_CLIENT = 32;
const OF_ALL = 256;
/** What all of them may hold, with the results of those whose server did not wait; above it too the oldest is given up. */
const BYTES = 256 * 1024 * 1024;
/** Used handles that are remembered: what comes with one above these is refused. */
const USED = 65_536;

interface Parked {
  readonly call: OpenCall;
  callOff(): void;
}

/**
 * Calls that wait for their client to come back, by handle. A handle serves once: what comes with a used one is a replay,
 * what comes with an unknown one was lost.
 */
export class ParkedCalls {
  readonly #parked = new Map<string, Parked>();
  /** Used handles, and until when their seals open. */
  readonly #used = new Map<string, number>();

  /** @param limits `BYTES` and `USED` unless given */
  constructor(
    private readonly clock: Clock,
    private readonly limits: { readonly bytes: number; readonly used: number } = { bytes: BYTES, used: USED },
  ) {}

  get size(): number {
    return this.#parked.size;
  }

  /** Of all that wait. */
  get bytes(): number {
    let bytes = 0;
    for (const { call } of this.#parked.values()) bytes += call.bytes;
    return bytes;
  }

  /** Keeps the call under the handle until it is taken, or its client has not come back in time. */
  park(handle: string, call: OpenCall): void {
    const ofClient = [...this.#parked].filter(([, { call: other }]) => other.client.id === call.client.id);
    if (ofClient.length >= OF_ONE_CLIENT) this.#expire(ofClient[0]?.[0], 'its client left too many calls waiting');
    if (this.#parked.size >= OF_ALL) this.#expire(this.#parked.keys().next().value, 'too many calls wait for clients');
    const callOff = this.clock.after(PARKED_MS, () => this.#expire(handle, 'the client did not come back in time'));
    this.#parked.set(handle, { call, callOff });
    call.watch(() => this.#makeRoom());
    this.#makeRoom();
  }

  /** The call under the handle, which is used from here on; undefined when there is none. */
  take(handle: string): OpenCall | undefined {
    const found = this.#parked.get(handle);
    if (found === undefined) return undefined;
    this.#parked.delete(handle);
    found.callOff();
    this.use(handle);
    return found.call;
  }

  /** Marks a handle used; false when it was before, or there are too many. */
  use(handle: string): boolean {
    const now = this.clock.now();
    for (const [known, until] of this.#used) {
      // The oldest come first.
      if (until > now) break;
      this.#used.delete(known);
    }
    if (this.#used.has(handle) || this.#used.size >= this.limits.used) return false;
    this.#used.set(handle, now + PARKED_MS);
    return true;
  }

  wasUsed(handle: string): boolean {
    return this.#used.has(handle);
  }

  /** The client's session is over: nobody will come back for its calls. */
  endSession(session: string): void {
    for (const [handle, { call }] of [...this.#parked]) {
      if (call.client.session === session) this.#expire(handle, "the client's session ended");
    }
  }

  close(): void {
    for (const { call, callOff } of this.#parked.values()) {
      callOff();
      call.cancel(new Error('the agent ends'));
    }
    this.#parked.clear();
  }

  #makeRoom(): void {
    let over = this.bytes - this.limits.bytes;
    for (const [handle, { call }] of [...this.#parked]) {
      if (over <= 0) return;
      over -= call.bytes;
      this.#expire(handle, 'calls that wait for clients hold too much');
    }
  }

  #expire(handle: string | undefined, reason: string): void {
    const found = handle === undefined ? undefined : this.#parked.get(handle);
    if (handle === undefined || found === undefined) return;
    this.#parked.delete(handle);
    found.callOff();
    void found.call.expire(new Error(reason));
  }
}
