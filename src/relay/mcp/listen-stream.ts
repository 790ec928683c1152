import type { ServerResponse } from 'node:http';
import { LISTEN_ID } from './event-id.js';
import { EVENT_END, EventStream, eventStart, primingEvent } from './event-stream.js';

const RETRY_MS = 2000;
const LIST_CHANGED = Buffer.from('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ListenSettings {
  readonly grantId: string;
  /** Milliseconds since the epoch; the stream ends when the token that opened it does. */
  readonly expiresAt: number;
  readonly keepaliveSeconds: number;
  /** See ReplaySettings. */
  readonly prime: boolean;
}

/** A client's GET stream: carries what belongs to no request. */
export class ListenStream {
  readonly grantId: string;
  readonly #stream: EventStream;
  readonly #expiry: NodeJS.Timeout;
  readonly #prime: boolean;

  /** @param closed runs once, whoever ended it */
  constructor(res: ServerResponse, settings: ListenSettings, closed: () => void) {
    this.grantId = settings.grantId;
    this.#prime = settings.prime;
    this.#expiry = setTimeout(() => this.end(), Math.min(Math.max(settings.expiresAt - Date.now(), 0), MAX_TIMER_MS));
    this.#stream = new EventStream(res, settings.keepaliveSeconds, {
      drained: () => {},
      closed: () => {
        clearTimeout(this.#expiry);
        closed();
      },
    });
    if (settings.prime) this.#stream.write(primingEvent(LISTEN_ID, RETRY_MS), true);
  }

  toolsChanged(): void {
    const start = eventStart(this.#prime ? LISTEN_ID : undefined);
    this.#stream.write(Buffer.concat([start, LIST_CHANGED, EVENT_END]), true);
  }

  end(): void {
    clearTimeout(this.#expiry);
    this.#stream.end();
  }
}
