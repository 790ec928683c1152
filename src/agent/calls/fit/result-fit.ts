import type { CallHead } from '../../../protocol/call-messages.js';
import { type ClientProfile, profileOf } from '../../../protocol/client-profiles.js';
import type { CallSignal } from '../../servers/call-signal.js';
import { cutText, nextPart } from './cut-text.js';
import { fitImages } from './fit-images.js';
import { Images } from './images.js';
import { KeptTexts } from './kept-texts.js';
import type { LoadSharp } from './sharp.js';

/** Of one part, for a client that has no limit of its own. */
const PART = 100_000;

export interface ResultFitOptions {
  /** `clientFit` of the agent's config. */
  readonly enabled: boolean;
  /** Given by tests. */
  readonly load?: LoadSharp;
  readonly kept?: KeptTexts;
}

/**
 * Makes the results of tools fit the client that asks: images within its limits, text within its budget. Never at the
 * transparent endpoint, and not for a client that is not known (client-profiles.ts).
 */
export class ResultFit {
  readonly #images: Images;
  readonly #kept: KeptTexts;

  constructor(private readonly options: ResultFitOptions) {
    this.#images = new Images(options.load);
    this.#kept = options.kept ?? new KeptTexts();
  }

  /**
   * The result as this client takes it: the very buffer where it does already.
   * @param json as `shapeResult` made it
   * @returns a promise only where there is something to do; it may reject with the signal's reason
   */
  fitResult(head: CallHead, json: Buffer, signal: CallSignal): Buffer | Promise<Buffer> {
    const profile = head.method === 'tools/call' ? this.#profile(head) : undefined;
    return profile === undefined ? json : this.#fitted(profile, head, json, signal);
  }

  async #fitted(
    { image, resultCharacters }: ClientProfile,
    head: CallHead,
    json: Buffer,
    signal: CallSignal,
  ): Promise<Buffer> {
    const seen = image === undefined ? json : await fitImages(json, image, this.#images, signal);
    if (resultCharacters === undefined) return seen;
    // The relay finds the way back to this agent by the device's name, with which the key begins.
    const { id, uriKey = '' } = head.client;
    return cutText(seen, resultCharacters, (text) => this.#kept.keep(uriKey, id, text));
  }

  /**
   * `agent/read-more`: the next part of a result that was cut, as the result of a tool.
   * @param params JSON text of `{id, from}`
   */
  readMore(head: CallHead, params: Buffer): Buffer {
    const { id, from } = readParams(params);
    const text = id === undefined ? undefined : this.#kept.read(id, head.client.id);
    if (id === undefined || text === undefined) {
      return toolResult(head, 'Nothing is kept under this id, or not any more. Call the tool again.', true);
    }
    if (from === undefined || from > text.length) {
      return toolResult(head, `"from" must be a position from 0 to ${text.length}.`, true);
    }
    const limit = this.#profile(head)?.resultCharacters ?? PART;
    return toolResult(head, nextPart(text, from, limit, id), false);
  }

  /** Of texts that were cut, for clients to read on. */
  get keptCharacters(): number {
    return this.#kept.characters;
  }

  /** Forgets what is kept. */
  close(): void {
    this.#kept.close();
  }

  #profile({ client }: CallHead): ClientProfile | undefined {
    return this.options.enabled && client.endpoint !== 'server' ? profileOf(client) : undefined;
  }
}

function readParams(params: Buffer): { readonly id: string | undefined; readonly from: number | undefined } {
  const value: unknown = params.length === 0 ? {} : JSON.parse(params.toString('utf8'));
  const given: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  const from = Number(given.from ?? 0);
  return {
    id: typeof given.id === 'string' ? given.id : undefined,
    from: Number.isSafeInteger(from) && from >= 0 ? from : undefined,
  };
}

function toolResult({ client }: CallHead, text: string, isError: boolean): Buffer {
  const era = client.era === 'modern' ? { resultType: 'complete' } : {};
  return Buffer.from(JSON.stringify({ ...era, content: [{ type: 'text', text }], ...(isError ? { isError } : {}) }));
}
