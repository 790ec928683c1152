import { randomBytes } from 'node:crypto';
import type { Question } from '../../devices/types.js';
import { ErrorCode } from '../json-rpc.js';

/** Told the client's answer: JSON text of its `result` or `error` member, as it came. */
type Reply = (kind: 'result' | 'error', json: Buffer) => void;

/** What a server hears whose client has no way to be asked. */
export const CANNOT_BE_ASKED = Buffer.from(
  JSON.stringify({ code: ErrorCode.methodNotFound, message: 'This client cannot be asked' }),
);

/** The relay's own requests to one client, by the ids they were sent under. */
export class SessionQuestions {
  /** A session outlives the process: an answer to an earlier one's question must match none of this one's. */
  readonly #boot = randomBytes(9).toString('base64url');
  readonly #open = new Map<string, Reply>();
  #count = 0;

  /** @returns JSON text of the id under which the answer is awaited */
  expect(reply: Reply): string {
    this.#count += 1;
    const id = JSON.stringify(`${this.#boot}.${this.#count}`);
    this.#open.set(id, reply);
    return id;
  }

  forget(id: string): void {
    this.#open.delete(id);
  }

  /** The client answers. Of what is not awaited (any more) nothing comes. @param id JSON text */
  answered(id: string, kind: 'result' | 'error', json: Buffer): void {
    const reply = this.#open.get(id);
    this.#open.delete(id);
    reply?.(kind, json);
  }
}

/** What is asked within one call, on its stream. */
export class CallQuestions {
  /** Ids of the requests that have no answer yet, by the number the agent gave them. */
  readonly #open = new Map<number, string>();

  /** @param send puts a message on the call's stream; false: the client has left for good */
  constructor(
    private readonly session: SessionQuestions,
    private readonly send: (json: Buffer) => boolean,
  ) {}

  ask({ ask, method, params }: Question, reply: Reply): void {
    const id = this.session.expect((kind, json) => {
      this.#open.delete(ask);
      reply(kind, json);
    });
    this.#open.set(ask, id);
    const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
    const rest = params.length === 0 ? [] : [Buffer.from(',"params":'), params];
    if (this.send(Buffer.concat([Buffer.from(head), ...rest, Buffer.from('}')]))) return;
    this.#open.delete(ask);
    this.session.forget(id);
    reply('error', CANNOT_BE_ASKED);
  }

  /** The client is told not to answer (25N basic/utilities/cancellation). */
  withdraw(ask: number): void {
    const id = this.#open.get(ask);
    if (id === undefined) return;
    this.#open.delete(ask);
    this.session.forget(id);
    this.send(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`));
  }

  /** The call is over, and so are its questions. */
  end(): void {
    for (const ask of [...this.#open.keys()]) this.withdraw(ask);
  }
}
