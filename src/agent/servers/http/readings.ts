import { Gate } from '../gate.js';

/** One message that is being read; see Readings. */
export interface Reading {
  /**
   * So many bytes of it are held now; none once it is whole.
   * @returns resolves when more of it may be read; undefined when it may be now
   */
  holds(bytes: number): Promise<void> | undefined;
  /** Its own client, or its server, has it wait: it has no turn, and comes behind all others when it goes on. */
  aside(waits: boolean): void;
  /** Nothing more is read, or held. */
  end(): void;
}

/**
 * What all responses of one server hold of messages that are not whole yet. Beyond the limit only the message that was
 * begun first is read on: so each comes to its end, and no more is held than the limit and one message. One that waits for
 * its own client has no turn meanwhile, or all others would wait for that client too.
 */
export class Readings {
  /** The oldest first. */
  readonly #held = new Map<object, number>();
  readonly #aside = new Set<object>();
  #bytes = 0;
  /** Open whenever less is held, or it is another's turn. */
  readonly #gate = new Gate();

  /** @param counted told of each change of what is held */
  constructor(
    private readonly limit: number,
    private readonly counted: (more: number) => void = () => {},
  ) {}

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(): Reading {
    const reading = {};
    const set = (bytes: number) => {
      const more = bytes - (this.#held.get(reading) ?? 0);
      this.#bytes += more;
      if (more !== 0) this.counted(more);
      if (bytes === 0) this.#held.delete(reading);
      else this.#held.set(reading, bytes);
    };
    const mayGoOn = () => this.#bytes <= this.limit || this.#first() === reading;
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
      aside: (waits) => {
        if (waits) {
          this.#aside.add(reading);
          this.#gate.open();
          return;
        }
        this.#aside.delete(reading);
        const bytes = this.#held.get(reading);
        if (bytes === undefined) return;
        this.#held.delete(reading);
        this.#held.set(reading, bytes);
      },
      end: () => {
        this.#aside.delete(reading);
        set(0);
        this.#gate.open();
      },
    };
  }

  #first(): object | undefined {
    for (const reading of this.#held.keys()) if (!this.#aside.has(reading)) return reading;
    return undefined;
  }
}
