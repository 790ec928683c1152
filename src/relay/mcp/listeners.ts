import type { ServerResponse } from 'node:http';
import type { Principal } from '../auth/principal.js';
import type { Devices } from '../devices/types.js';
import { ListenStream } from './listen-stream.js';
import { since } from './protocol-versions.js';
import type { Session } from './session.js';
import type { ToolLists } from './tool-list.js';

export interface ListenLimits {
  readonly streamsPerClient: number;
  readonly keepaliveSeconds: number;
}

/** Clients' GET streams, and what goes out on them. */
export class Listeners {
  /** Open streams by user and client. */
  readonly #open = new Map<string, number>();

  constructor(
    private readonly devices: Devices,
    private readonly lists: ToolLists,
    private readonly limits: ListenLimits,
  ) {}

  /** @returns false, having written nothing, when this client has too many open */
  open(session: Session, principal: Principal, res: ServerResponse): boolean {
    const owner = JSON.stringify([principal.userId, principal.clientId]);
    const open = this.#open.get(owner) ?? 0;
    if (open >= this.limits.streamsPerClient) return false;
    this.#open.set(owner, open + 1);
    const stop = this.devices.onChange(session.userId, () => this.#announce(session));
    const stream: ListenStream = new ListenStream(
      res,
      {
        grantId: principal.grantId,
        expiresAt: principal.expiresAt,
        keepaliveSeconds: this.limits.keepaliveSeconds,
        prime: since(session.claims.version, '2025-11-25'),
      },
      () => {
        stop();
        session.listeners.delete(stream);
        this.#left(owner);
      },
    );
    session.listeners.add(stream);
    // The list may have changed while nobody was listening.
    this.#announce(session);
    return true;
  }

  /** On one of the session's streams, never on two (25N transports, "Multiple Connections"). */
  #announce(session: Session): void {
    const newest = [...session.listeners].at(-1);
    const revision = this.lists.revision(session.userId, session.endpoint);
    if (newest === undefined || revision === session.knownRevision) return;
    session.knownRevision = revision;
    newest.toolsChanged();
  }

  #left(owner: string): void {
    const open = (this.#open.get(owner) ?? 1) - 1;
    if (open > 0) this.#open.set(owner, open);
    else this.#open.delete(owner);
  }
}
