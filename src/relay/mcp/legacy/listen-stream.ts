import type { ServerResponse } from 'node:http';
import { LISTEN_ID } from '../answers/event-id.js';
import { EVENT_END, EventStream, eventStart, primingEvent } from '../answers/event-stream.js';

const RETRY_MS = 2000;
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ListenSettings {
  readonly grantId: string;
  /** Milliseconds since the epoch; the stream ends when the token that opened it does. */
  readonly expiresAt: number;
  readonly keepaliveSeconds: number;
  /** See ReplaySettings. */
  readonly prime: boolean;
}

export interface ListenHooks {
  /** Ready again. */
  drained(): void;
  /** Runs once, whoever ended it. */
  closed(): void;
}

/** A client's GET stream: carries what belongs to no request. */
export class ListenStream {
  readonly grantId: string;
  readonly #stream: EventStream;
  readonly #expiry: NodeJS.Timeout;
  readonly #prime: boolean;
  #ready = true;
  /** Of messages that have not left yet. */
  #taken: (() => void)[] = [];

  constructor(res: ServerResponse, settings: ListenSettings, hooks: ListenHooks) {
    this.grantId = settings.grantId;
    this.#prime = settings.prime;
    this.#expiry = setTimeout(() => this.end(), Math.min(Math.max(settings.expiresAt - Date.now(), 0), MAX_TIMER_MS));
    this.#stream = new EventStream(res, settings.keepaliveSeconds, {
      drained: () => {
        this.#ready = true;
        this.#release();
        hooks.drained();
      },
      closed: () => {
        clearTimeout(this.#expiry);
        this.#release();
        hooks.closed();
      },
    });
    if (settings.prime) this.#stream.write(primingEvent(LISTEN_ID, RETRY_MS), true);
  }

  /** False while the client does not keep up. */
  get ready(): boolean {
    return this.#ready;
  }

  /** @param taken told when the message has left, or never will */
  send(json: Buffer, taken: () => void): void {
    const start = eventStart(this.#prime ? LISTEN_ID : undefined);
    this.#ready = this.#stream.write(Buffer.concat([start, json, EVENT_END]), true);
    if (this.#ready) taken();
    else this.#taken.push(taken);
  }

  end(): void {
    clearTimeout(this.#expiry);
    this.#stream.end();
  }

  #release(): void {
    const all = this.#taken;
    this.#taken = [];
    for (const taken of all) taken();
  }
}
