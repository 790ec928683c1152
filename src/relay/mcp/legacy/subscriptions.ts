import type { Logger } from '../../../log/logger.js';
import type { Devices } from '../../devices/types.js';
import type { Store } from '../../store/store.js';
import type { Caller } from '../caller.js';
import type { Forwarded } from '../calls/forward.js';
import { LastingListen, type ListenTarget } from '../calls/lasting-listen.js';
import { MergedTargets, type Refused } from '../calls/merged-targets.js';
import { ErrorCode } from '../json-rpc.js';
import { serverAt } from '../scope.js';
import type { Session } from './session.js';

const UPDATED = 'notifications/resources/updated';
/** Of one session. */
const MAX_SUBSCRIPTIONS = 256;
/** They are stored for as long as their session may last. */
const MAX_URI = 8192;
/** Of what waits for one session's stream; above it, of what an update says there stays that there was one. */
const WAITING_BYTES = 4 * 1024 * 1024;

export interface SubscriptionsParts {
  readonly devices: Devices;
  readonly store: Store;
  readonly sessionSeconds: number;
  readonly logger: Logger;
}

/** True for what `Subscriptions` answers. */
export function isSubscribing(method: string): boolean {
  return method === 'resources/subscribe' || method === 'resources/unsubscribe';
}

/**
 * `resources/subscribe` of the revisions that have it: each URI is listened to at its server, and what it tells goes to
 * the session's GET stream. The URIs outlive the relay's process, as their sessions do.
 */
export class Subscriptions {
  readonly #targets: MergedTargets;

  constructor(private readonly parts: SubscriptionsParts) {
    this.#targets = new MergedTargets(parts.devices);
  }

  /** Answers one of the two methods, once its server has. */
  start(session: Session, call: Forwarded, grantId: string): void {
    const { request, reply } = call;
    const uri = request.params?.uri;
    if (typeof uri !== 'string') {
      reply.error(ErrorCode.invalidParams, 'params.uri must be the URI of a resource');
    } else if (request.method === 'resources/unsubscribe') {
      session.subscriptions.get(uri)?.listen.close('unsubscribed');
      if (session.subscriptions.delete(uri)) session.mailbox.drop(kindOf(uri));
      this.#saved(session, () => reply.result('{}'));
    } else if (uri.length > MAX_URI) {
      reply.error(ErrorCode.invalidParams, `params.uri has more than ${MAX_URI} characters`);
    } else if (session.subscriptions.size >= MAX_SUBSCRIPTIONS && !session.subscriptions.has(uri)) {
      const message = `This session has ${MAX_SUBSCRIPTIONS} subscriptions, which is the limit`;
      reply.error(ErrorCode.invalidParams, message, { uri });
    } else this.#subscribe(session, uri, call, grantId);
  }

  /** Takes up again what a session had subscribed to before the relay restarted. */
  async restore(session: Session, grantId: string): Promise<void> {
    const stored = await this.parts.store.get<unknown>(keyOf(session));
    if (!Array.isArray(stored)) return;
    for (const uri of stored.slice(0, MAX_SUBSCRIPTIONS)) {
      if (typeof uri !== 'string' || session.subscriptions.has(uri)) continue;
      const listen = this.#listen(session, uri, { restored: true });
      session.subscriptions.set(uri, { listen, grantId });
      listen.open();
    }
  }

  /** The session has ended for good. */
  async forget(session: Session): Promise<void> {
    await this.parts.store.delete(keyOf(session));
  }

  #subscribe(session: Session, uri: string, { caller, reply }: Forwarded, grantId: string): void {
    const refused = this.#problem(caller, uri);
    if (refused !== undefined) {
      reply.error(refused.code, refused.message, refused.data);
      return;
    }
    const before = session.subscriptions.get(uri);
    const listen = this.#listen(session, uri, {
      done: () => this.#saved(session, () => reply.result('{}')),
      failed: (error) => {
        if (session.subscriptions.get(uri)?.listen === listen) session.subscriptions.delete(uri);
        reply.piece('error', error, true);
      },
    });
    before?.listen.close('subscribed anew');
    session.subscriptions.set(uri, { listen, grantId });
    reply.onCancel(() => {
      listen.close('cancelled by the client');
      if (session.subscriptions.get(uri)?.listen === listen) session.subscriptions.delete(uri);
    });
    listen.open();
  }

  #listen(
    session: Session,
    uri: string,
    on: { readonly restored?: boolean; done?(): void; failed?(error: Buffer): void },
  ): LastingListen {
    const listen: LastingListen = new LastingListen(this.parts.devices, session.userId, {
      find: () => this.#target(session, uri),
      acknowledged: ({ resourceSubscriptions }, again) => {
        const taken = Array.isArray(resourceSubscriptions) && resourceSubscriptions.length > 0;
        if (!taken && on.failed !== undefined && !again) {
          listen.close('not subscribed');
          on.failed(errorText(ErrorCode.invalidParams, 'The server takes no subscription to this resource', uri));
          return;
        }
        if (!again) on.done?.();
        // What happened in between is not known.
        if (again || on.restored === true) session.mailbox.put(kindOf(uri), updated(uri));
      },
      event: (method, json, taken) => {
        const { mailbox } = session;
        if (method === UPDATED) mailbox.put(kindOf(uri), mailbox.bytes > WAITING_BYTES ? updated(uri) : json);
        taken();
      },
      refused: (error) => {
        on.failed?.(error);
        return on.restored === true;
      },
    });
    return listen;
  }

  #problem(caller: Caller, uri: string): Refused | undefined {
    const { endpoint } = caller;
    if (endpoint.kind === 'server') return undefined;
    const found = this.#targets.resource(endpoint, caller, uri);
    return 'code' in found ? found : undefined;
  }

  #target(session: Session, uri: string): ListenTarget | undefined {
    const { endpoint, client } = session;
    const caller = session.caller(false);
    const params = (own: string) => Buffer.from(JSON.stringify({ notifications: { resourceSubscriptions: [own] } }));
    if (endpoint.kind === 'server') {
      const at = serverAt(this.parts.devices, session.userId, endpoint);
      if (at === undefined) return undefined;
      session.devices.add(at.device.id);
      const target = { userId: session.userId, deviceId: at.device.id, server: at.server.name };
      return { target, request: { params: params(uri), client } };
    }
    const found = this.#targets.resource(endpoint, caller, uri);
    if ('code' in found) return undefined;
    // Before the subscription itself: what the server says as it takes it is heard, too.
    caller.went?.(found.target.deviceId, found.key);
    return { target: found.target, request: { params: params(found.own), client: { ...client, uriKey: found.key } } };
  }

  /** Runs `then` when the session's subscriptions are in the store, or cannot be put there. */
  #saved(session: Session, then: () => void): void {
    const { store, sessionSeconds, logger } = this.parts;
    const uris = [...session.subscriptions.keys()];
    const left = session.claims.issuedAt + sessionSeconds - Date.now() / 1000;
    const stored =
      uris.length === 0
        ? store.delete(keyOf(session))
        : store.put(keyOf(session), uris, { ttlSeconds: Math.max(60, Math.ceil(left)) });
    stored.then(then, (error: unknown) => {
      logger.error('subscriptions could not be stored', { error });
      then();
    });
  }
}

function keyOf({ claims }: Session): string {
  return `subs:${claims.sid}`;
}

function kindOf(uri: string): string {
  return `updated ${uri}`;
}

function updated(uri: string): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: UPDATED, params: { uri } }));
}

function errorText(code: number, message: string, uri: string): Buffer {
  return Buffer.from(JSON.stringify({ code, message, data: { uri } }));
}
