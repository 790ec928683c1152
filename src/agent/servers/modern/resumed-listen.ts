import { restartDelay } from '../backoff.js';
import { type Clock, pause } from '../clock.js';
import { LIST_KINDS, listChanged } from '../list-kinds.js';
import { isRecord } from '../messages.js';
import type { ServerSession } from '../server-session.js';
import { type RequestContext, type RequestOutcome, ServerError } from '../types.js';
import { subscriberOf, withSubscriber } from './subscriber.js';

type Params = Readonly<Record<string, unknown>>;

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

/**
 * One `subscriptions/listen` of a client at a modern server, sent again when the server was started anew (MCP 2026-07-28
 * basic/transports/stdio#unexpected-termination). The client hears of it as of a change of all that it listens to.
 * @param ready the session, once there is one
 * @param over whether there will be none any more
 * @throws ServerError when it never began, or the signal's reason
 */
export async function resumedListen(
  send: (session: ServerSession, context: RequestContext) => Promise<RequestOutcome>,
  ready: () => Promise<ServerSession>,
  params: Uint8Array,
  context: RequestContext,
  clock: Clock,
  over: () => boolean,
): Promise<RequestOutcome> {
  const subscriber = subscriberOf(params);
  const tell = (method: string, about: Params) => context.onNotification?.(method, withSubscriber(about, subscriber));
  let begun = false;
  let failures = 0;
  const onNotification = (method: string, about: Params) => {
    if (method !== ACKNOWLEDGED) return context.onNotification?.(method, about);
    failures = 0;
    if (begun) for (const [changed, of] of changes(about.notifications)) tell(changed, of);
    else context.onNotification?.(method, about);
    begun = true;
  };
  for (;;) {
    try {
      return await send(await ready(), { ...context, onNotification });
    } catch (error) {
      if (!begun || over() || !(error instanceof ServerError)) throw error;
      failures += 1;
      await pause(clock, 500 + restartDelay(failures, 0.5), context.signal);
      context.signal.throwIfAborted();
    }
  }
}

/** A change of everything that a filter names. */
function changes(filter: unknown): [string, Params][] {
  if (!isRecord(filter)) return [];
  const lists = LIST_KINDS.filter((kind) => filter[`${kind}ListChanged`] === true);
  const uris: unknown[] = Array.isArray(filter.resourceSubscriptions) ? filter.resourceSubscriptions : [];
  return [
    ...lists.map((kind): [string, Params] => [listChanged(kind), {}]),
    ...uris.map((uri): [string, Params] => ['notifications/resources/updated', { uri }]),
  ];
}
