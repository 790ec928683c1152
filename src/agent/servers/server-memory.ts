/** Bytes that this process holds of the messages of local servers. */
export interface ServerHeld {
  /** Written for a server and not gone from here: it does not read its input, or not as fast. */
  readonly unreadInput: number;
  /** Requests over HTTP of which the head of the answer has not come. */
  readonly sending: number;
  /** Messages of servers of which the rest is still to come. */
  readonly reading: number;
}

/** What is held of the messages of one server, in all lives of it. */
export class ServerMemory implements ServerHeld {
  #unreadInput = 0;
  #sending = 0;
  #reading = 0;

  /** @param read told whenever the server has read of its input */
  constructor(private readonly read: () => void = () => {}) {}

  get unreadInput(): number {
    return this.#unreadInput;
  }

  get sending(): number {
    return this.#sending;
  }

  get reading(): number {
    return this.#reading;
  }

  /** @param bytes more, or less where it is negative; so with the others */
  unread(bytes: number): void {
    this.#unreadInput += bytes;
    if (bytes < 0) this.read();
  }

  sends(bytes: number): void {
    this.#sending += bytes;
  }

  reads(bytes: number): void {
    this.#reading += bytes;
  }
}

/** Of several servers. */
export function sumOfHeld(all: Iterable<ServerHeld>): ServerHeld {
  let [unreadInput, sending, reading] = [0, 0, 0];
  for (const held of all) {
    unreadInput += held.unreadInput;
    sending += held.sending;
    reading += held.reading;
  }
  return { unreadInput, sending, reading };
}
