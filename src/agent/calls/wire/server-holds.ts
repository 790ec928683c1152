/** A call, as far as the reading of its server is concerned. */
export interface Reader {
  readonly server: string;
  /** The client's session. */
  readonly session: string;
  /** It only listens. */
  readonly lasting: boolean;
  readonly finished: boolean;
  /** Its client does not keep up. Kept by ServerHolds. */
  full: boolean;
}

type Reason = 'bytes' | 'stalled';

/**
 * Which servers are not read: those whose calls hold too much (HeldBytes), and those all of whose calls are full, so that
 * what is read further would help nobody. A call that is not full has its server read on for all; one that only listens
 * does not where its own client is what does not keep up.
 */
export class ServerHolds {
  readonly #reasons = new Map<string, Set<Reason>>();
  /** How many calls are full, of servers that have any: all else costs nothing. */
  readonly #full = new Map<string, number>();

  /** @param holdBack stops the reading of a server's output, or lets it go on */
  constructor(
    private readonly readers: () => Iterable<Reader>,
    private readonly holdBack: (server: string, held: boolean) => void,
  ) {}

  /** A call has begun at this server. */
  began(server: string): void {
    if (this.#full.has(server)) this.#judge(server);
  }

  /** A call has ended, or is about to be forgotten. */
  ended(reader: Reader): void {
    const { server } = reader;
    if (!this.#full.has(server)) return;
    this.#count(reader, false);
    this.#judge(server, reader);
  }

  /** Whether the client of a call that has not ended keeps up. */
  count(reader: Reader, full: boolean): void {
    // Calls of the agent itself have no server.
    if (full === reader.full || reader.server === '') return;
    this.#count(reader, full);
    this.#judge(reader.server);
  }

  set(server: string, reason: Reason, held: boolean): void {
    const reasons = this.#reasons.get(server) ?? new Set();
    if (held === reasons.has(reason)) return;
    if (held) reasons.add(reason);
    else reasons.delete(reason);
    if (reasons.size === 0) this.#reasons.delete(server);
    else this.#reasons.set(server, reasons);
    if (reasons.size === (held ? 1 : 0)) this.holdBack(server, held);
  }

  #count(reader: Reader, full: boolean): void {
    if (full === reader.full) return;
    reader.full = full;
    const count = (this.#full.get(reader.server) ?? 0) + (full ? 1 : -1);
    if (count === 0) this.#full.delete(reader.server);
    else this.#full.set(reader.server, count);
  }

  #judge(server: string, without?: Reader): void {
    this.set(server, 'stalled', this.#full.has(server) && this.#stalled(server, without));
  }

  #stalled(server: string, without: Reader | undefined): boolean {
    const readers: Reader[] = [];
    for (const reader of this.readers()) {
      if (reader.server === server && !reader.finished && reader !== without) readers.push(reader);
    }
    const sessions = new Set(readers.filter(({ full }) => full).map(({ session }) => session));
    return readers.every(({ full, lasting, session }) => full || (lasting && sessions.has(session)));
  }
}
