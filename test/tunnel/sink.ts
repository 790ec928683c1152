import type { CallFailure, CallRequest, CallSink, Question } from '../../src/relay/devices/types.js';

type Heard =
  | { readonly kind: 'event'; readonly text: string }
  | { readonly kind: 'result' | 'error'; readonly bytes: number; readonly text: string }
  | { readonly kind: 'fail'; readonly failure: CallFailure };

/** A client that writes down what it hears; `wait` resolves with its end. */
export class TestSink implements CallSink {
  readonly heard: Heard[] = [];
  /** Questions that stand open, by their number. */
  readonly open = new Map<number, { readonly method: string; readonly params: string }>();
  /** Every question ever asked, in order. */
  readonly asked: number[] = [];
  readonly ended: Promise<Heard>;
  /** Called with the bytes of each event and piece. */
  taken: (bytes: number) => void = () => undefined;
  #end: (heard: Heard) => void = () => undefined;
  #waiting: (() => void)[] = [];
  #pieces: Buffer[] = [];

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Bytes of the answer so far. */
  get received(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  async failure(): Promise<CallFailure> {
    const heard = await this.ended;
    if (heard.kind !== 'fail') throw new Error(`it ended with ${heard.kind}`);
    return heard.failure;
  }

  async answer(): Promise<string> {
    const heard = await this.ended;
    if (heard.kind !== 'result' && heard.kind !== 'error') throw new Error(JSON.stringify(heard));
    return heard.text;
  }

  /** Resolves once `true(sink)`. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  event(json: Buffer): void {
    this.#hear({ kind: 'event', text: json.toString() }, json.length);
  }

  piece(kind: 'result' | 'error', bytes: Buffer, last: boolean): void {
    this.#pieces.push(bytes);
    if (last) {
      const whole = Buffer.concat(this.#pieces);
      this.#finish({ kind, bytes: whole.length, text: whole.toString() });
    }
    this.taken(bytes.length);
    this.#wake();
  }

  ask({ ask, method, params }: Question): void {
    this.asked.push(ask);
    this.open.set(ask, { method, params: params.toString() });
    this.#wake();
  }

  withdraw(ask: number): void {
    if (!this.open.delete(ask)) throw new Error('no such question');
    this.#wake();
  }

  fail(failure: CallFailure): void {
    this.#finish({ kind: 'fail', failure });
  }

  #hear(heard: Heard, bytes: number): void {
    this.heard.push(heard);
    this.taken(bytes);
    this.#wake();
  }

  #finish(heard: Heard): void {
    if (this.heard.some(({ kind }) => kind !== 'event')) throw new Error('it has ended before');
    this.#hear(heard, 0);
    this.#end(heard);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** A tools/call as relay/mcp makes it. */
export function request(params: Buffer | string = '{"name":"run"}', client = 'client'): CallRequest {
  return {
    method: 'tools/call',
    params: Buffer.from(params),
    client: {
      era: 'legacy',
      protocolVersion: '2025-11-25',
      endpoint: 'aggregate',
      id: client,
      capabilities: {},
      ask: 'none',
      session: 's1',
    },
  };
}
