import { Buffer } from 'node:buffer';
import type { Logger } from '../../../log/logger.js';
import type { CallClient } from '../../../protocol/call-messages.js';
import { isRecord, notificationMessage, responseMessage } from '../messages.js';
import type { PendingRequests } from '../pending-requests.js';
import type { AskPolicy, AskReply, JsonRpcError } from '../types.js';
import { attribute, type Candidate, candidates, type Question, type Refusal, refusal } from './attribution.js';

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
/** What a client says when its user does not want to (MCP 2025-11-25 client/sampling, "Error handling"). */
const REJECTED = -1;
/** Questions that one server may have open. */
const MAX_OPEN = 64;

export interface AsksOptions {
  readonly policy: AskPolicy;
  readonly pending: PendingRequests;
  readonly logger: Logger;
  send(json: Buffer): void;
  onUrlElicitation(elicitationId: string, client: CallClient): void;
}

interface OpenAsk {
  /** Aborted when no reply is wanted any more. */
  readonly over: AbortController;
  /** The server takes nothing more from us: it is gone, or has taken the question back. */
  mute: boolean;
}

/** The requests of one legacy server to its client, which is this agent: answered here, or by the client that caused them. */
export class ServerAsks {
  /** By the JSON text of the server's id. */
  readonly #open = new Map<string, OpenAsk>();

  constructor(private readonly options: AsksOptions) {}

  /**
   * @param id JSON text, as the server wrote it
   * @param stream the request on whose own stream it came
   */
  receive(id: string, method: string, params: Buffer, stream: number | undefined): void {
    const { roots, sampling } = this.options.policy;
    if (method === 'ping') this.#reply(id, result({}));
    else if (method === 'roots/list' && roots !== undefined) this.#reply(id, result({ roots }));
    else if (method === 'elicitation/create' || (method === 'sampling/createMessage' && sampling)) {
      this.#passOn(id, method, params, stream);
    } else this.#reply(id, failure(METHOD_NOT_FOUND, `this client does not offer ${method}`));
  }

  /** The server's `notifications/cancelled`. */
  takenBack({ requestId }: Readonly<Record<string, unknown>>): void {
    const id = JSON.stringify(requestId);
    const open = id === undefined ? undefined : this.#open.get(id);
    if (open) this.#drop(open, 'the server took its question back');
  }

  /** The session is over: nobody waits for replies. */
  end(): void {
    for (const open of this.#open.values()) this.#drop(open, 'the server is gone');
  }

  #drop(open: OpenAsk, reason: string): void {
    open.mute = true;
    open.over.abort(new Error(reason));
  }

  #passOn(id: string, method: string, raw: Buffer, stream: number | undefined): void {
    const params = paramsOf(raw);
    const key = JSON.stringify(JSON.parse(id));
    if (!params || this.#open.size >= MAX_OPEN || this.#open.has(key)) {
      const message = params ? 'too many questions at a time, or two with one id' : 'params must be a JSON object';
      this.#reply(id, failure(params ? INTERNAL_ERROR : INVALID_PARAMS, message));
      return;
    }
    const question: Question = { method, params, stream };
    const candidate = attribute(question, candidates(this.options.pending));
    const refused = candidate ? refusal(question, candidate) : 'nobody';
    // Whoever wonders why nobody was asked finds it here; what was asked is not for a log.
    if (!candidate) this.options.logger.info(`${method} refused: no call that it is surely about can be asked`);
    if (refused) this.#reply(id, refusalReply(method, refused));
    else if (candidate) void this.#ask(id, key, question, raw, candidate);
  }

  async #ask(id: string, key: string, { method, params }: Question, raw: Buffer, candidate: Candidate): Promise<void> {
    const { context } = candidate;
    const { elicitationId } = params;
    if (params.mode === 'url' && typeof elicitationId === 'string' && context.client) {
      this.options.onUrlElicitation(elicitationId, context.client);
    }
    const open: OpenAsk = { over: new AbortController(), mute: false };
    const { signal } = open.over;
    this.#open.set(key, open);
    const release = this.options.pending.hold(candidate.id, () => open.over.abort(new Error('the request has ended')));
    const over = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
    const ask = { method, params: raw, signal, progress: progressOf(params, (json) => this.#tell(open, json)) };
    const asked = (async () => context.onAsk?.(ask))().catch(() => undefined);
    const reply = await Promise.race([asked, over]);
    release();
    this.#open.delete(key);
    if (!open.mute) this.#reply(id, reply ?? refusalReply(method, 'nobody'));
  }

  #tell({ mute, over }: OpenAsk, json: Buffer): void {
    if (!mute && !over.signal.aborted) this.options.send(json);
  }

  #reply(id: string, reply: AskReply): void {
    this.options.send(responseMessage(id, reply));
  }
}

function paramsOf(raw: Buffer): Readonly<Record<string, unknown>> | undefined {
  const params: unknown = raw.length === 0 ? {} : JSON.parse(raw.toString('utf8'));
  return isRecord(params) ? params : undefined;
}

/** `notifications/progress` to the server, counted up, if it asked for that. */
function progressOf({ _meta }: Readonly<Record<string, unknown>>, send: (json: Buffer) => void): () => void {
  const progressToken = isRecord(_meta) ? _meta.progressToken : undefined;
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return () => {};
  let progress = 0;
  return () => {
    progress += 1;
    send(notificationMessage('notifications/progress', { progressToken, progress }));
  };
}

/** As the client that cannot be asked would say it itself; the server may go on without. */
function refusalReply(method: string, why: Refusal): AskReply {
  if (why === 'form') return failure(INVALID_PARAMS, `this client does not take ${method} in this form`);
  if (method === 'elicitation/create') return result({ action: 'cancel' });
  return failure(REJECTED, 'User rejected sampling request');
}

function result(value: unknown): AskReply {
  return { kind: 'result', json: Buffer.from(JSON.stringify(value)) };
}

function failure(code: number, message: string): AskReply & { readonly error: JsonRpcError } {
  return { kind: 'error', error: { code, message } };
}
