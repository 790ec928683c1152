import type { ListenStream } from '../legacy/listen-stream.js';

/**
 * What goes to a client outside of any call: on the newest of its GET streams, never on two (25N transports, "Multiple
 * Connections"). While there is none, or it does not keep up, the latest message of each kind waits.
 */
export class Mailbox {
  /** Open GET streams, newest last. */
  readonly #streams = new Set<ListenStream>();
  readonly #waiting = new Map<string, Buffer>();
  #bytes = 0;

  get streams(): readonly ListenStream[] {
    return [...this.#streams];
  }

  get newest(): ListenStream | undefined {
    return this.streams.at(-1);
  }

  /** Of what waits. */
  get bytes(): number {
    return this.#bytes;
  }

  open(stream: ListenStream): void {
    this.#streams.add(stream);
    this.flush();
  }

  closed(stream: ListenStream): void {
    this.#streams.delete(stream);
    this.flush();
  }

  /** @param kind a later message takes the place of one of the same kind that has not left yet */
  put(kind: string, json: Buffer): void {
    this.drop(kind);
    this.#waiting.set(kind, json);
    this.#bytes += json.length;
    this.flush();
  }

  drop(kind: string): void {
    this.#bytes -= this.#waiting.get(kind)?.length ?? 0;
    this.#waiting.delete(kind);
  }

  /** Sends what waits, as far as the client keeps up. */
  flush(): void {
    const stream = this.newest;
    for (const [kind, json] of this.#waiting) {
      if (stream === undefined || !stream.ready) return;
      this.drop(kind);
      stream.send(json, () => {});
    }
  }

  end(): void {
    for (const stream of this.streams) stream.end();
    this.#waiting.clear();
    this.#bytes = 0;
  }
}
