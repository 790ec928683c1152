import type { Logger } from '../../../log/logger.js';
import type { Devices } from '../../devices/types.js';
import { CallReply } from '../answers/call-reply.js';
import { AgentAnswer } from '../calls/agent-answer.js';
import type { Forwarded } from '../calls/forward.js';
import { isMergedCall, type MergedCalls } from '../calls/merged-calls.js';
import { isForwarded, type ServerCalls } from '../calls/server-calls.js';
import type { Endpoint } from '../endpoint.js';
import { ErrorCode, type RpcNotification, type RpcRequest, rawMember } from '../json-rpc.js';
import { isListMethod, kindOfList, type Lists } from '../lists/lists.js';
import { serverAt } from '../scope.js';
import type { Session } from './session.js';
import { isSubscribing, type Subscriptions } from './subscriptions.js';

export interface LegacyCallsParts {
  readonly devices: Devices;
  readonly lists: Lists;
  readonly mergedCalls: MergedCalls;
  readonly serverCalls: ServerCalls;
  readonly subscriptions: Subscriptions;
  readonly draining: () => boolean;
  readonly logger: Logger;
}

/** What one POST says about all the requests in it. */
export interface PostContext {
  readonly grantId: string;
  /** The answer may be an event stream. */
  readonly events: boolean;
  readonly traceparent: string | undefined;
  readonly scopes: ReadonlySet<string>;
}

/** Notifications that tell the relay something, or nobody: roots are the agent's (its config says which). */
const OWN_NOTIFICATIONS = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

/** True for what may take time and can be cancelled; the relay answers everything else of itself. */
export function isCall({ endpoint }: { readonly endpoint: Endpoint }, method: string): boolean {
  if (isSubscribing(method)) return true;
  return endpoint.kind === 'server' ? isForwarded(method) : isMergedCall(method, 'legacy');
}

/** Requests of a legacy session that go to local servers, and the notifications that do. */
export class LegacyCalls {
  constructor(private readonly parts: LegacyCallsParts) {}

  /** @param target see CallReply */
  start(
    session: Session,
    request: RpcRequest,
    post: PostContext,
    target: ConstructorParameters<typeof CallReply>[2],
  ): void {
    const failsAs = request.method === 'tools/call' ? 'tool' : 'error';
    const reply = new CallReply(request.id, failsAs, target, () => session.running.delete(request.id), {
      questions: session.questions,
    });
    session.running.set(request.id, { reply, grantId: post.grantId });
    const { traceparent, scopes } = post;
    const call = { caller: session.caller(post.events), request, reply, traceparent, scopes };
    try {
      this.#start(session, call, post.grantId);
    } catch (error) {
      this.parts.logger.error('a call could not be started', { error });
      reply.error(ErrorCode.internal, 'The relay failed to start this call (outcome unknown)');
    }
  }

  #start(session: Session, call: Forwarded, grantId: string): void {
    const { lists, mergedCalls, serverCalls, subscriptions } = this.parts;
    const { method } = call.request;
    const { endpoint, userId } = session;
    if (isSubscribing(method)) {
      subscriptions.start(session, call, grantId);
      return;
    }
    if (endpoint.kind !== 'server') {
      mergedCalls.start(endpoint, call);
      return;
    }
    if (isListMethod(method)) {
      const kind = kindOfList(method);
      session.known.set(kind, lists.revision(userId, endpoint, kind));
    }
    serverCalls.start(endpoint, call);
  }

  /** At a transparent endpoint the server gets what the relay has no use for; at others nobody knows whose it is. */
  notify(session: Session, { method, raw }: RpcNotification): void {
    const { endpoint, userId } = session;
    if (endpoint.kind !== 'server' || OWN_NOTIFICATIONS.has(method) || !isForwarded(method)) return;
    const at = serverAt(this.parts.devices, userId, endpoint);
    if (at === undefined || this.parts.draining()) return;
    session.devices.add(at.device.id);
    const target = { userId, deviceId: at.device.id, server: at.server.name };
    const params = rawMember(raw, 'params') ?? Buffer.alloc(0);
    const ignored = new AgentAnswer();
    const { client } = session;
    ignored.started(this.parts.devices.call(target, { method, params, client, notify: true }, ignored));
  }
}
