import { ownUri, uriKey } from '../../protocol/uris.js';
import type { CallTarget, Devices } from '../devices/types.js';
import type { Caller } from './caller.js';
import { SUBSCRIPTION_ID } from './envelope.js';
import { isShape, type Shape } from './json-rpc.js';
import { type ListenFilter, listFlag, readNames } from './listen-filter.js';
import type { ListKind, Lists, MergedEndpoint } from './lists.js';
import type { ModernSubscription, Taken } from './modern-subscription.js';
import { devicesAt } from './scope.js';
import { methodOf, ServerListen } from './server-listen.js';

export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const RESOURCE_UPDATED = 'notifications/resources/updated';
/** What servers may say on it; their lists are the relay's to tell of. */
const PASSED = new Set([RESOURCE_UPDATED, 'notifications/tasks']);
/** A server that takes longer to agree is left out. */
const ACKNOWLEDGE_MS = 2000;

export interface MergedListenParts {
  readonly devices: Devices;
  readonly lists: Pick<Lists, 'revision'>;
}

/** What of one server's is listened to. */
interface Watched {
  readonly target: CallTarget;
  readonly key: string;
  /** Own names by the client's. */
  readonly resources: Map<string, string>;
  readonly tasks: Map<string, string>;
  state: 'asked' | 'agreed' | 'refused' | 'lost' | 'asked again';
  listen?: ServerListen;
}

/**
 * One `subscriptions/listen` at an endpoint of several servers. What changes in lists the relay knows; for resources and
 * tasks it asks each server they belong to, and acknowledges when all have answered (26 basic/patterns/subscriptions).
 */
export class MergedListen {
  readonly #watched = new Map<string, Watched>();
  readonly #revisions = new Map<ListKind, string>();
  /** What servers said ahead of the acknowledgement. */
  #early: (readonly [json: Buffer, taken: Taken])[] = [];
  readonly #resources = new Set<string>();
  readonly #tasks = new Set<string>();
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
    for (const watched of this.#watched.values()) this.#ask(watched);
    this.#patience = setTimeout(() => this.#acknowledge(), ACKNOWLEDGE_MS);
    this.#acknowledgeWhenAnswered();
  }

  /** The subscription is over. */
  stop(): void {
    clearTimeout(this.#patience);
    this.#unlisten?.();
    for (const { listen } of this.#watched.values()) listen?.cancel('the client stopped listening');
    for (const [json, taken] of this.#early) taken(json.length);
  }

  /** By the key in front of it alone: what has none is not known to belong to anyone, and is not acknowledged. */
  #watch(name: string, kind: 'resources' | 'tasks'): void {
    const own = ownUri(name);
    if (own === undefined) return;
    const known = this.#watched.get(own.key);
    const target = known?.target ?? this.#serverOf(own.key);
    if (target === undefined) return;
    const watched: Watched = known ?? {
      target,
      key: own.key,
      resources: new Map(),
      tasks: new Map(),
      state: 'asked',
    };
    watched[kind].set(name, own.uri);
    this.#watched.set(own.key, watched);
  }

  #serverOf(key: string): CallTarget | undefined {
    const { userId } = this.caller;
    for (const device of devicesAt(this.parts.devices, userId, this.endpoint)) {
      const server = device.servers.find(({ name }) => uriKey(device.name, name) === key);
      if (server !== undefined) return { userId, deviceId: device.id, server: server.name };
    }
    return undefined;
  }

  #ask(watched: Watched): void {
    const listen = new ServerListen({
      event: (json, taken) => this.#event(watched, json, taken),
      ended: () => {
        watched.state = watched.state === 'asked' ? 'refused' : 'lost';
        this.#acknowledgeWhenAnswered();
      },
    });
    watched.listen = listen;
    listen.start(this.parts.devices, watched.target, {
      method: 'subscriptions/listen',
      params: this.#params(watched),
      client: { ...this.caller.client, uriKey: watched.key },
      lasting: true,
    });
  }

  #params({ resources, tasks }: Watched): Buffer {
    const notifications = {
      ...(resources.size === 0 ? {} : { resourceSubscriptions: [...resources.values()] }),
      ...(tasks.size === 0 ? {} : { taskIds: [...tasks.values()] }),
    };
    const meta = `"_meta":{"${SUBSCRIPTION_ID}":${this.id}}`;
    return Buffer.from(`{"notifications":${JSON.stringify(notifications)},${meta}}`);
  }

  #event(watched: Watched, json: Buffer, taken: Taken): void {
    const method = methodOf(json);
    if (method === ACKNOWLEDGED) this.#agreed(watched, json);
    if (method === undefined || !PASSED.has(method)) taken(json.length);
    else if (this.#acknowledged) this.subscription.send(json, taken);
    else this.#early.push([json, taken]);
  }

  #agreed(watched: Watched, json: Buffer): void {
    const again = watched.state === 'asked again';
    watched.state = 'agreed';
    const agreed = readAgreed(json);
    const names = (kind: 'resources' | 'tasks') =>
      [...watched[kind]].filter(([name, own]) => agreed[kind].has(name) || agreed[kind].has(own)).map(([name]) => name);
    if (again) {
      // Nobody was listening for a while.
      for (const uri of names('resources')) {
        if (this.#resources.has(uri)) this.subscription.notify(RESOURCE_UPDATED, { uri });
      }
      return;
    }
    for (const uri of names('resources')) this.#resources.add(uri);
    for (const task of names('tasks')) this.#tasks.add(task);
    this.#acknowledgeWhenAnswered();
  }

  #acknowledgeWhenAnswered(): void {
    const waiting = [...this.#watched.values()].some(({ state, listen }) => state === 'asked' || listen === undefined);
    if (!waiting) this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#acknowledged) return;
    this.#acknowledged = true;
    clearTimeout(this.#patience);
    for (const watched of this.#watched.values()) {
      if (watched.state === 'asked') watched.listen?.cancel('no answer in time');
      if (watched.state === 'asked') watched.state = 'refused';
    }
    const { filter } = this;
    this.subscription.notify(ACKNOWLEDGED, {
      notifications: {
        ...Object.fromEntries(filter.lists.map((kind) => [listFlag(kind), true])),
        ...(this.#resources.size === 0 ? {} : { resourceSubscriptions: inOrder(filter.resources, this.#resources) }),
        ...(this.#tasks.size === 0 ? {} : { taskIds: inOrder(filter.tasks, this.#tasks) }),
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
    for (const watched of this.#watched.values()) if (watched.state === 'lost') this.#askAgain(watched);
  }

  /** A server that had agreed and was lost: its device has gone, or its agent was started anew. */
  #askAgain(watched: Watched): void {
    const { userId, deviceId, server } = watched.target;
    const device = this.parts.devices.devices(userId).find(({ id }) => id === deviceId);
    const view = device?.servers.find(({ name }) => name === server);
    if (device?.presence !== 'online' || view?.status !== 'ready') return;
    watched.state = 'asked again';
    this.#ask(watched);
  }

  #revision(kind: ListKind): string {
    return this.parts.lists.revision(this.caller.userId, this.endpoint, kind);
  }
}

function inOrder(asked: readonly string[], agreed: ReadonlySet<string>): string[] {
  return asked.filter((name) => agreed.has(name));
}

/** The names in a server's acknowledgement, whether they are its own or the client's. */
function readAgreed(json: Buffer): Record<'resources' | 'tasks', ReadonlySet<string>> {
  const filter = notificationsOf(json);
  return {
    resources: new Set(readNames(filter.resourceSubscriptions)),
    tasks: new Set(readNames(filter.taskIds)),
  };
}

function notificationsOf(json: Buffer): Shape {
  let message: unknown;
  try {
    message = JSON.parse(json.toString('utf8'));
  } catch {
    return {};
  }
  const params = isShape(message) && isShape(message.params) ? message.params : {};
  return isShape(params.notifications) ? params.notifications : {};
}
