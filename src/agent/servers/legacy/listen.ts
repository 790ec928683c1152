import { Buffer } from 'node:buffer';
import { LIST_KINDS, type ListKind } from '../list-kinds.js';
import { isRecord, modernKey } from '../messages.js';
import type { RequestContext, RequestOutcome } from '../types.js';
import { grantedFilter, type ListenRequest } from './listen-request.js';

/** What a server may tell ahead of its answers to the subscriptions; the rest is let go. */
const EARLY = 256;

type Params = Readonly<Record<string, unknown>>;

/** One client's `subscriptions/listen` at a legacy server. */
export class Listen {
  readonly lists: ReadonlySet<ListKind>;
  /** Resources asked for; once acknowledged, those the server agreed to. */
  uris: ReadonlySet<string>;
  /** A legacy client's own stream, where also comes what cannot be asked for. */
  readonly open: boolean;
  /** Told before the acknowledgement, which must come first. */
  #early: (() => void)[] | undefined = [];
  #end: (outcome: RequestOutcome) => void = () => {};
  readonly #ended = new Promise<RequestOutcome>((resolve) => {
    this.#end = resolve;
  });

  /** @param tellsOf whether changes of a list can be told */
  constructor(
    private readonly request: ListenRequest,
    readonly context: RequestContext,
    tellsOf: (kind: ListKind) => boolean,
  ) {
    const { lists, uris } = request;
    // A legacy client's `resources/subscribe` is a listen for that resource and nothing else.
    this.open = context.client?.era === 'legacy' && (uris.length === 0 || lists.length > 0);
    const wanted = this.open && lists.length === 0 ? LIST_KINDS : lists;
    this.lists = new Set(wanted.filter(tellsOf));
    this.uris = new Set(uris);
  }

  /** Begins, with the part of the filter that is granted. */
  acknowledge(uris: readonly string[]): void {
    this.uris = new Set(uris);
    const notifications = grantedFilter([...this.lists], uris);
    this.#send('notifications/subscriptions/acknowledged', { notifications });
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const send of early) send();
  }

  tell(method: string, params: Params): void {
    if (this.#early === undefined) this.#send(method, params);
    else if (this.#early.length < EARLY) this.#early.push(() => this.#send(method, params));
  }

  /** Ends it well: the client may listen anew. */
  end(): void {
    const { subscriptionId } = this.request;
    const result =
      subscriptionId === undefined
        ? {}
        : { resultType: 'complete', _meta: { [modernKey('subscriptionId')]: subscriptionId } };
    this.#end({ kind: 'result', json: Buffer.from(JSON.stringify(result)) });
  }

  get ended(): Promise<RequestOutcome> {
    return this.#ended;
  }

  #send(method: string, params: Params): void {
    const { signal, onNotification } = this.context;
    if (signal.aborted) return;
    const { subscriptionId } = this.request;
    const meta = isRecord(params._meta) ? params._meta : {};
    const named = { ...params, _meta: { ...meta, [modernKey('subscriptionId')]: subscriptionId } };
    onNotification?.(method, subscriptionId === undefined ? params : named);
  }
}
