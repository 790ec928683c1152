import type { CallClient } from '../../../protocol/call-messages.js';
import { levelAtLeast } from '../../../protocol/log-levels.js';
import type { ServerOffer } from '../../../protocol/messages.js';
import type { Clock } from '../clock.js';
import { untilAborted } from '../deferred.js';
import { changedList, LIST_KINDS, type ListKind, listChanged } from '../list-kinds.js';
import { isRecord } from '../messages.js';
import type { ServerSession } from '../server-session.js';
import type { JsonRpcError, RequestContext, RequestOutcome } from '../types.js';
import { Coalescer } from './coalescer.js';
import { Listen } from './listen.js';
import { readListen } from './listen-request.js';
import { Session } from './session.js';
import type { SessionWatch } from './session-watch.js';
import { covers, ResourceSubscriptions } from './subscriptions.js';

/** Of one listen; a client that wants more makes several. */
const MAX_URIS = 1024;
/** Elicitations whose end is still to be told of. */
const MAX_ELICITATIONS = 1024;

type Params = Readonly<Record<string, unknown>>;

/**
 * `subscriptions/listen` (MCP 2026-07-28 basic/patterns/subscriptions) for a server that has no such method: the listens
 * of all clients, over one `resources/subscribe` for each resource. They outlive the sessions of the server.
 *
 * A server's own notifications and log lines have no client's name on them. Outside requests they go to a legacy client
 * only while the server's process has worked for no other one since its start.
 */
export class LegacyListens implements SessionWatch {
  /** With what gives up the log level of each. */
  readonly #listens = new Map<Listen, () => void>();
  readonly #resources = new ResourceSubscriptions();
  readonly #coalescer: Coalescer;
  /** Ids of clients that this process has worked for: the first two. */
  readonly #served = new Set<string>();
  /** Sessions of the clients that were told to open a URL, by elicitation. */
  readonly #elicitations = new Map<string, string>();
  #session: Session | undefined;
  #capabilities: Params = {};
  #offer: ServerOffer | undefined;
  /** Lists whose change was told before they were read anew. */
  readonly #announced = new Set<ListKind>();

  constructor(clock: Clock) {
    this.#coalescer = new Coalescer(clock);
  }

  /** Whether there is a session of the legacy era. */
  get active(): boolean {
    return this.#session !== undefined;
  }

  /** A request or a notification of this client goes to the server. */
  serve(client: CallClient): void {
    // Whether it is one alone is all that matters.
    if (this.#served.size < 2) this.#served.add(client.id);
  }

  /** One listen, until the signal aborts, the client's session ends, or the agent. @throws the signal's reason */
  async listen(params: Uint8Array, context: RequestContext): Promise<RequestOutcome> {
    const request = readListen(params);
    if (!request) return failure(-32602, 'params.notifications must say what to be told of');
    const listen = new Listen(request, context, (kind) => this.#tellsOf(kind));
    const uris = request.uris.slice(0, MAX_URIS);
    if (uris.length > 0 && context.client) this.serve(context.client);
    this.#listens.set(listen, this.#wantLogs(listen));
    const held = new Set(uris);
    const drop = (uri: string) => held.delete(uri) && this.#resources.release(uri);
    const answers = uris.map(async (uri) => {
      const refused = await this.#resources.acquire(uri);
      if (refused) drop(uri);
      return { uri, refused };
    });
    try {
      const answered = await untilAborted(Promise.all(answers), context.signal);
      const [only, ...others] = answered;
      // That is a legacy client's `resources/subscribe`, which ends as the server has it.
      if (context.client?.era === 'legacy' && !listen.open && others.length === 0 && only?.refused) {
        return { kind: 'error', error: only.refused };
      }
      listen.acknowledge(answered.filter(({ refused }) => refused === undefined).map(({ uri }) => uri));
      return await untilAborted(listen.ended, context.signal);
    } finally {
      this.#listens.get(listen)?.();
      this.#listens.delete(listen);
      for (const uri of uris) drop(uri);
    }
  }

  ready(session: ServerSession, capabilities: Params): void {
    if (!(session instanceof Session)) return;
    this.#session = session;
    this.#capabilities = capabilities;
    const offered = isRecord(capabilities.resources) && capabilities.resources.subscribe === true;
    this.#resources.ready(session, offered, (uri) => this.#updated('notifications/resources/updated', { uri }));
    for (const listen of this.#listens.keys()) this.#listens.set(listen, this.#wantLogs(listen));
  }

  ended(): void {
    this.#session = undefined;
    this.#resources.ready(undefined, false, () => {});
    this.#served.clear();
    this.#announced.clear();
    for (const listen of this.#listens.keys()) this.#listens.set(listen, () => {});
  }

  /** The server's lists were read. Changes that it did not tell of itself are told here, those over a restart above all. */
  offered(offer: ServerOffer): void {
    const before = this.#offer;
    this.#offer = offer;
    for (const kind of LIST_KINDS) {
      const announced = this.#announced.delete(kind);
      if (before && !announced && listText(before, kind) !== listText(offer, kind)) this.#listHasChanged(kind, {});
    }
  }

  onNotification(method: string, params: Params): void {
    const list = changedList(method);
    if (list) {
      this.#announced.add(list);
      this.#listHasChanged(list, params);
    } else if (method === 'notifications/resources/updated') this.#updated(method, params);
    else if (method === 'notifications/elicitation/complete') this.#elicitationComplete(method, params);
    else this.#toSoleClient(method, params);
  }

  onUrlElicitation(elicitationId: string, { session }: CallClient): void {
    this.#elicitations.set(elicitationId, session);
    const [oldest] = this.#elicitations.keys();
    if (oldest !== undefined && this.#elicitations.size > MAX_ELICITATIONS) this.#elicitations.delete(oldest);
  }

  endSession(session: string): void {
    for (const listen of this.#listens.keys()) if (listen.context.client?.session === session) listen.end();
    for (const [id, owner] of this.#elicitations) if (owner === session) this.#elicitations.delete(id);
  }

  close(): void {
    this.#coalescer.stop();
    for (const listen of this.#listens.keys()) listen.end();
  }

  #tellsOf(kind: ListKind): boolean {
    const capability = this.#capabilities[kind];
    // Tools may change over a restart whatever the server says; the lists it has are read again then.
    return isRecord(capability) && (kind === 'tools' || capability.listChanged === true);
  }

  #wantLogs({ open, context }: Listen): () => void {
    if (!open || context.logLevel === undefined) return () => {};
    return this.#session?.wantLogs(context.logLevel).release ?? (() => {});
  }

  #listHasChanged(kind: ListKind, params: Params): void {
    this.#coalescer.tell(`${kind} list`, () => this.#tell(listChanged(kind), params, ({ lists }) => lists.has(kind)));
  }

  #updated(method: string, params: Params): void {
    const { uri } = params;
    if (typeof uri !== 'string') return;
    this.#coalescer.tell(`resource ${uri}`, () =>
      this.#tell(method, params, ({ uris }) => [...uris].some((subscribed) => covers(subscribed, uri))),
    );
  }

  #elicitationComplete(method: string, params: Params): void {
    const id = typeof params.elicitationId === 'string' ? params.elicitationId : '';
    const session = this.#elicitations.get(id);
    this.#elicitations.delete(id);
    this.#tell(method, params, ({ open, context }) => open && context.client?.session === session);
  }

  #toSoleClient(method: string, params: Params): void {
    const { level } = params;
    const only = this.#soleClient();
    this.#tell(method, params, ({ open, context }) => {
      if (!open || context.client?.id !== only) return false;
      return (
        method !== 'notifications/message' || (context.logLevel !== undefined && levelAtLeast(level, context.logLevel))
      );
    });
  }

  /** The one client that the process has worked for, or may have been started for. */
  #soleClient(): string | undefined {
    const listening = [...this.#listens.keys()].map(({ context }) => context.client?.id);
    const [only, ...others] = new Set(this.#served.size > 0 ? this.#served : listening);
    return others.length === 0 ? only : undefined;
  }

  #tell(method: string, params: Params, wants: (listen: Listen) => boolean): void {
    for (const listen of this.#listens.keys()) if (wants(listen)) listen.tell(method, params);
  }
}

function failure(code: number, message: string): RequestOutcome {
  const error: JsonRpcError = { code, message };
  return { kind: 'error', error };
}

function listText(offer: ServerOffer, kind: ListKind): string {
  return JSON.stringify(kind === 'resources' ? [offer.resources, offer.resourceTemplates] : offer[kind]);
}
