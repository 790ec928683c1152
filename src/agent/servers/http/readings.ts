import { Gate } from '../gate.js';

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
  /** Open whenever less is held. */
  readonly #gate = new Gate();

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
        this.#gate.shut();
        await this.#gate.passage;
      }
    };
    return {
      holds: (bytes) => {
        const before = this.#held.get(reading) ?? 0;
        set(bytes);
        if (bytes < before) this.#gate.open();
        return bytes === 0 || mayGoOn() ? undefined : turn();
      },
      end: () => {
        set(0);
        this.#gate.open();
      },
    };
  }
}
