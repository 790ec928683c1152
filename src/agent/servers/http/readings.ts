import { Deferred } from '../deferred.js';

/** One message that is being read; see Readings. */
export interface Reading {
  /**
   * So many bytes of it are held now; none once it is whole.
   * @returns resolves when more of it may be read; undefined when it may be now
   */
  holds(bytes: number): Promise<void> | undefined;
  /** Nothing more is read, or held. */
  end(): void;
}

/**
 * What all responses of one server hold of messages that are not whole yet. Beyond the limit only the message that was
 * begun first is read on: so each comes to its end, and no more is held than the limit and one message.
 */
export class Readings {
  /** The oldest first. */
  readonly #held = new Map<object, number>();
  #bytes = 0;
  #waiting: Deferred<void> | undefined;

  constructor(private readonly limit: number) {}

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(): Reading {
    const reading = {};
    const set = (bytes: number) => {
      this.#bytes += bytes - (this.#held.get(reading) ?? 0);
      if (bytes === 0) this.#held.delete(reading);
      else this.#held.set(reading, bytes);
    };
    const mayGoOn = () => this.#bytes <= this.limit || this.#held.keys().next().value === reading;
    const turn = async () => {
      while (this.#held.has(reading) && !mayGoOn()) {
        this.#waiting ??= new Deferred();
        await this.#waiting.promise;
      }
    };
    return {
      holds: (bytes) => {
        const before = this.#held.get(reading) ?? 0;
        set(bytes);
        if (bytes < before) this.#wake();
        return bytes === 0 || mayGoOn() ? undefined : turn();
      },
      end: () => {
        set(0);
        this.#wake();
      },
    };
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
