import type { ServerResponse } from 'node:http';
import type { Principal } from '../../auth/principal.js';
import type { Devices } from '../../devices/types.js';
import { LastingListen } from '../calls/lasting-listen.js';
import type { ServerEndpoint } from '../endpoint.js';
import { LIST_KINDS, type ListKind, type Lists, type MergedEndpoint } from '../lists/lists.js';
import { since } from '../protocol-versions.js';
import { serverAt } from '../scope.js';
import { CalledListens } from './called-listens.js';
import { ListenStream } from './listen-stream.js';
import type { Session } from './session.js';

export interface ListenLimits {
  readonly streamsPerClient: number;
  readonly keepaliveSeconds: number;
}

const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
const CHANGED = /^notifications\/(tools|prompts|resources)\/list_changed$/;

/** Clients' GET streams, and what goes out on them. */
export class Listeners {
  /** Open streams by user and client. */
  readonly #open = new Map<string, number>();

  constructor(
    private readonly devices: Devices,
    private readonly lists: Lists,
    private readonly limits: ListenLimits,
  ) {}

  /** @returns false, having written nothing, when this client has too many open */
  open(session: Session, principal: Principal, res: ServerResponse): boolean {
    const owner = JSON.stringify([principal.userId, principal.clientId]);
    const open = this.#open.get(owner) ?? 0;
    if (open >= this.limits.streamsPerClient) return false;
    this.#open.set(owner, open + 1);
    const { endpoint, mailbox } = session;
    const stop = endpoint.kind === 'server' ? this.#listen(session, endpoint) : this.#listenToCalled(session, endpoint);
    const stream: ListenStream = new ListenStream(
      res,
      {
        grantId: principal.grantId,
        expiresAt: principal.expiresAt,
        keepaliveSeconds: this.limits.keepaliveSeconds,
        prime: since(session.claims.version, '2025-11-25'),
      },
      {
        drained: () => mailbox.flush(),
        closed: () => {
          mailbox.closed(stream);
          stop();
          this.#left(owner);
        },
      },
    );
    mailbox.open(stream);
    // The lists may have changed while nobody was listening.
    this.#announce(session);
    return true;
  }

  /** What a transparent endpoint's server tells outside of calls comes as it is, for as long as there is a stream. */
  #listen(session: Session, endpoint: ServerEndpoint): () => void {
    if (session.listen === undefined) {
      session.listen = new LastingListen(this.devices, session.userId, {
        find: () => {
          const at = serverAt(this.devices, session.userId, endpoint);
          if (at === undefined) return undefined;
          session.devices.add(at.device.id);
          const target = { userId: session.userId, deviceId: at.device.id, server: at.server.name };
          const params = Buffer.from(JSON.stringify({ notifications: ALL_LISTS }));
          return { target, request: { params, client: session.client, logLevel: session.logLevel } };
        },
        acknowledged: (_honoured, again) => {
          if (again) this.#announce(session);
        },
        event: (method, json, taken) => this.#pass(session, method, json, taken),
        refused: () => true,
      });
      session.listen.open();
    }
    return () => {
      if (session.mailbox.newest !== undefined) return;
      session.listen?.close('the client listens no more');
      session.listen = undefined;
    };
  }

  /** At other endpoints the lists are the relay's to tell of; of its servers those that were called are listened to. */
  #listenToCalled(session: Session, endpoint: MergedEndpoint): () => void {
    const unlisten = this.devices.onChange(session.userId, () => this.#announce(session));
    if (session.calledListens === undefined) {
      session.calledListens = new CalledListens(this.devices, session, endpoint);
      session.calledListens.open();
    }
    return () => {
      unlisten();
      if (session.mailbox.newest !== undefined) return;
      session.calledListens?.close('the client listens no more');
      session.calledListens = undefined;
    };
  }

  #pass(session: Session, method: string, json: Buffer, taken: () => void): void {
    const [, kind] = CHANGED.exec(method) ?? [];
    const changed = LIST_KINDS.find((known) => known === kind);
    if (changed !== undefined) session.known.set(changed, this.#revision(session, changed));
    const stream = session.mailbox.newest;
    if (stream === undefined) taken();
    else stream.send(json, taken);
  }

  /** Tells of the lists that are not what the client knows any more. */
  #announce(session: Session): void {
    const { userId, endpoint } = session;
    const server = endpoint.kind === 'server' ? serverAt(this.devices, userId, endpoint)?.server : undefined;
    for (const kind of LIST_KINDS) {
      // Of what a server does not have there is nothing to tell; what a server has that is away is not known.
      if (endpoint.kind === 'server' && server?.capabilities?.[kind] === undefined) continue;
      const revision = this.#revision(session, kind);
      if (revision === session.known.get(kind)) continue;
      session.known.set(kind, revision);
      const method = `notifications/${kind}/list_changed`;
      session.mailbox.put(kind, Buffer.from(JSON.stringify({ jsonrpc: '2.0', method })));
    }
  }

  #revision({ userId, endpoint }: Session, kind: ListKind): string {
    return this.lists.revision(userId, endpoint, kind);
  }

  #left(owner: string): void {
    const open = (this.#open.get(owner) ?? 1) - 1;
    if (open > 0) this.#open.set(owner, open);
    else this.#open.delete(owner);
  }
}
