import { ownUri, uriKey } from '../../../protocol/uris.js';
import type { CallTarget, Devices } from '../../devices/types.js';
import type { Caller } from '../caller.js';
import { LastingListen, type ListenTarget } from '../calls/lasting-listen.js';
import type { Shape } from '../json-rpc.js';
import type { ListKind, Lists, MergedEndpoint } from '../lists/lists.js';
import { devicesAt } from '../scope.js';
import { SUBSCRIPTION_ID } from './envelope.js';
import { type ListenFilter, listFlag, readNames } from './listen-filter.js';
import type { ModernSubscription } from './modern-subscription.js';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const UPDATED = 'notifications/resources/updated';
/** What servers may say on it; their lists are the relay's to tell of. */
const PASSED = new Set([UPDATED, 'notifications/tasks']);
/** A server that takes longer to agree is left out. */
const ACKNOWLEDGE_MS = 2000;

export interface MergedListenParts {
  readonly devices: Devices;
  readonly lists: Pick<Lists, 'revision'>;
}

/** What of one server's is listened to: its own names by the client's. */
interface Watched {
  readonly key: string;
  readonly resources: Map<string, string>;
  readonly tasks: Map<string, string>;
  readonly listen: LastingListen;
  answered: boolean;
}

/**
 * One `subscriptions/listen` at an endpoint of several servers. What changes in lists the relay knows; for resources and
 * tasks it asks each server they belong to, and acknowledges when all have answered (26 basic/patterns/subscriptions).
 */
export class MergedListen {
  readonly #watched = new Map<string, Watched>();
  readonly #revisions = new Map<ListKind, string>();
  /** The client's names of what servers have agreed to. */
  readonly #agreed = new Set<string>();
  /** What servers said ahead of the acknowledgement. */
  #early: (readonly [json: Buffer, taken: () => void])[] = [];
  #acknowledged = false;
  #patience: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;

  /** @param id JSON text of the request's id */
  constructor(
    private readonly parts: MergedListenParts,
    private readonly endpoint: MergedEndpoint,
    private readonly caller: Caller,
    private readonly id: string,
    private readonly filter: ListenFilter,
    private readonly subscription: ModernSubscription,
  ) {}

  start(): void {
    const { lists, resources, tasks } = this.filter;
    for (const uri of resources) this.#watch(uri, 'resources');
    for (const task of tasks) this.#watch(task, 'tasks');
    for (const kind of lists) this.#revisions.set(kind, this.#revision(kind));
    this.#unlisten = this.parts.devices.onChange(this.caller.userId, () => this.#changed());
    this.#patience = setTimeout(() => this.#acknowledge(), ACKNOWLEDGE_MS);
    for (const { listen } of this.#watched.values()) listen.open();
    this.#acknowledgeWhenAnswered();
  }

  /** The subscription is over. */
  stop(): void {
    clearTimeout(this.#patience);
    this.#unlisten?.();
    for (const { listen } of this.#watched.values()) listen.close('the client stopped listening');
    for (const [, taken] of this.#early) taken();
  }

  /** By the key in front of it alone: what has none is not known to belong to anyone, and is not acknowledged. */
  #watch(name: string, kind: 'resources' | 'tasks'): void {
    const own = ownUri(name);
    if (own === undefined || this.#serverOf(own.key) === undefined) return;
    const watched = this.#watched.get(own.key) ?? this.#newWatched(own.key);
    watched[kind].set(name, own.uri);
    this.#watched.set(own.key, watched);
  }

  #newWatched(key: string): Watched {
    const watched: Watched = {
      key,
      resources: new Map(),
      tasks: new Map(),
      answered: false,
      listen: new LastingListen(this.parts.devices, this.caller.userId, {
        find: () => this.#target(watched),
        acknowledged: (honoured, again) => this.#honoured(watched, honoured, again),
        event: (method, json, taken) => this.#event(method, json, taken),
        refused: () => {
          watched.answered = true;
          this.#acknowledgeWhenAnswered();
          return false;
        },
      }),
    };
    return watched;
  }

  #serverOf(key: string): CallTarget | undefined {
    const { userId } = this.caller;
    for (const device of devicesAt(this.parts.devices, userId, this.endpoint)) {
      const server = device.servers.find(({ name }) => uriKey(device.name, name) === key);
      if (server !== undefined) return { userId, deviceId: device.id, server: server.name };
    }
    return undefined;
  }

  #target({ key, resources, tasks }: Watched): ListenTarget | undefined {
    const target = this.#serverOf(key);
    if (target === undefined) return undefined;
    const notifications = {
      ...(resources.size === 0 ? {} : { resourceSubscriptions: [...resources.values()] }),
      ...(tasks.size === 0 ? {} : { taskIds: [...tasks.values()] }),
    };
    const meta = `"_meta":{"${SUBSCRIPTION_ID}":${this.id}}`;
    const params = Buffer.from(`{"notifications":${JSON.stringify(notifications)},${meta}}`);
    return { target, request: { params, client: { ...this.caller.client, uriKey: key } } };
  }

  #event(method: string, json: Buffer, taken: () => void): void {
    if (!PASSED.has(method)) taken();
    else if (this.#acknowledged) this.subscription.send(json, taken);
    else this.#early.push([json, taken]);
  }

  /** A server has agreed, in its own names or in the client's. */
  #honoured(watched: Watched, honoured: Shape, again: boolean): void {
    const uris = namesIn(honoured.resourceSubscriptions, watched.resources);
    if (again) {
      // Nobody was listening for a while.
      for (const uri of uris) if (this.#agreed.has(uri)) this.subscription.notify(UPDATED, { uri });
      return;
    }
    for (const name of [...uris, ...namesIn(honoured.taskIds, watched.tasks)]) this.#agreed.add(name);
    watched.answered = true;
    this.#acknowledgeWhenAnswered();
  }

  #acknowledgeWhenAnswered(): void {
    if ([...this.#watched.values()].every(({ answered }) => answered)) this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#acknowledged) return;
    this.#acknowledged = true;
    clearTimeout(this.#patience);
    for (const { answered, listen } of this.#watched.values()) if (!answered) listen.close('no answer in time');
    const agreed = (names: readonly string[]) => names.filter((name) => this.#agreed.has(name));
    const { lists } = this.filter;
    const resources = agreed(this.filter.resources);
    const tasks = agreed(this.filter.tasks);
    this.subscription.notify(ACKNOWLEDGED, {
      notifications: {
        ...Object.fromEntries(lists.map((kind) => [listFlag(kind), true])),
        ...(resources.length === 0 ? {} : { resourceSubscriptions: resources }),
        ...(tasks.length === 0 ? {} : { taskIds: tasks }),
      },
    });
    for (const [json, taken] of this.#early) this.subscription.send(json, taken);
    this.#early = [];
    this.#changed();
  }

  /** The user's devices or lists have changed (debounced). */
  #changed(): void {
    if (!this.#acknowledged) return;
    for (const [kind, before] of this.#revisions) {
      const now = this.#revision(kind);
      if (now === before) continue;
      this.#revisions.set(kind, now);
      this.subscription.notify(`notifications/${kind}/list_changed`);
    }
  }

  #revision(kind: ListKind): string {
    return this.parts.lists.revision(this.caller.userId, this.endpoint, kind);
  }
}

/** The client's names of those that an acknowledgement has. @param names a server's own by the client's */
function namesIn(acknowledged: unknown, names: ReadonlyMap<string, string>): string[] {
  const agreed = new Set(readNames(acknowledged));
  return [...names].filter(([name, own]) => agreed.has(name) || agreed.has(own)).map(([name]) => name);
}
