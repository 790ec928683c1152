import { QueryError, type ServerSession } from '../server-session.js';
import type { JsonRpcError } from '../types.js';

/** A server that does not answer has not subscribed. */
const ANSWER_MS = 30_000;
/** Resources of one server that all its clients may have subscribed to. */
const MAX_RESOURCES = 16_384;

interface Subscription {
  users: number;
  /** The server's refusal, once it has answered. */
  state: Promise<JsonRpcError | undefined>;
}

/**
 * `resources/subscribe` of one legacy server, which knows one subscriber: us. It is asked when the first of many wants a
 * resource, and told when the last has left. Subscriptions outlive its sessions.
 */
export class ResourceSubscriptions {
  readonly #byUri = new Map<string, Subscription>();
  /** What was last sent about each URI: the next waits for its answer, so that a server gets them in order. */
  readonly #last = new Map<string, Promise<unknown>>();
  #session: ServerSession | undefined;
  #offered = false;

  /**
   * Subscribes to all that is wanted, on a new session.
   * @param offered whether the server declares `resources.subscribe`
   * @param again told of each resource when it is subscribed to again: nobody heard of it in between
   */
  ready(session: ServerSession | undefined, offered: boolean, again: (uri: string) => void): void {
    this.#session = session;
    this.#offered = offered;
    if (!session) return;
    for (const [uri, subscription] of this.#byUri) {
      subscription.state = this.#send('resources/subscribe', uri);
      void subscription.state.then((refused) => refused ?? again(uri));
    }
  }

  /** Counts one more user until `release`, also where the server refuses: then its error is the answer. Not counted where there are too many. */
  async acquire(uri: string): Promise<JsonRpcError | undefined> {
    let subscription = this.#byUri.get(uri);
    if (!subscription) {
      if (this.#byUri.size >= MAX_RESOURCES) {
        const message = `clients are subscribed to ${MAX_RESOURCES} resources of this server, which is the limit: unsubscribe from some`;
        return { code: -32603, message };
      }
      subscription = { users: 0, state: this.#send('resources/subscribe', uri) };
      this.#byUri.set(uri, subscription);
    }
    subscription.users += 1;
    return subscription.state;
  }

  release(uri: string): void {
    const subscription = this.#byUri.get(uri);
    if (!subscription) return;
    subscription.users -= 1;
    if (subscription.users > 0) return;
    this.#byUri.delete(uri);
    void subscription.state.then((refused) => refused ?? this.#send('resources/unsubscribe', uri));
  }

  async #send(method: string, uri: string): Promise<JsonRpcError | undefined> {
    const sent = (this.#last.get(uri) ?? Promise.resolve()).then(() => this.#query(method, uri));
    this.#last.set(uri, sent);
    const refused = await sent;
    if (this.#last.get(uri) === sent) this.#last.delete(uri);
    return refused;
  }

  async #query(method: string, uri: string): Promise<JsonRpcError | undefined> {
    try {
      if (!this.#session) throw new Error('the server is not running');
      if (!this.#offered) return { code: -32601, message: 'Method not found' };
      await this.#session.query(method, { uri }, AbortSignal.timeout(ANSWER_MS));
      return undefined;
    } catch (error) {
      if (error instanceof QueryError) return error.error;
      return { code: -32603, message: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** True when an update of this resource is one of the resource subscribed to, or of something within it (MCP 2025-11-25 schema, ResourceUpdatedNotification). */
export function covers(subscribed: string, updated: string): boolean {
  if (updated === subscribed) return true;
  return updated.startsWith(subscribed.endsWith('/') ? subscribed : `${subscribed}/`);
}
