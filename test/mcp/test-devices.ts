import { EventEmitter, once } from 'node:events';
import { exposeUri, ownUri, uriKey } from '../../src/protocol/uris.js';
import type {
  CallHandle,
  CallRequest,
  CallSink,
  CallTarget,
  Devices,
  DeviceView,
  ExposedPrompt,
  ExposedResource,
  ExposedTool,
  MergedList,
  PromptList,
  PromptResolution,
  Resolution,
  ResourceList,
  ServerView,
  ToolList,
  UriResolution,
} from '../../src/relay/devices/types.js';
import { TestCall } from './test-call.js';

interface UserState {
  views: readonly DeviceView[];
  list: ToolList;
  prompts: PromptList;
  resources: ResourceList;
  templates: ResourceList;
  ambiguous: ReadonlyMap<string, readonly string[]>;
  readonly listeners: Set<() => void>;
}

/** The seam's contract, held by hand: what is listed is set, what is called is queued. */
export class TestDevices implements Devices {
  readonly #users = new Map<string, UserState>();
  readonly #narrowed = new WeakMap<ToolList, Map<string, ToolList>>();
  readonly #queue: TestCall[] = [];
  readonly #arrived = new EventEmitter();
  readonly #droppedListeners = new Set<(userId: string, list: MergedList) => void>();
  /** Answers calls at once when set. */
  answer: ((call: TestCall) => void) | undefined;

  devices(userId: string): readonly DeviceView[] {
    return this.#user(userId).views;
  }

  tools(userId: string, deviceId?: string): ToolList {
    const { list } = this.#user(userId);
    if (deviceId === undefined) return list;
    const known = this.#narrowed.get(list)?.get(deviceId);
    if (known !== undefined) return known;
    const tools = list.tools.filter(({ target }) => target.deviceId === deviceId);
    const narrowed = { ...list, revision: JSON.stringify(tools), tools };
    this.#narrowed.set(list, (this.#narrowed.get(list) ?? new Map<string, ToolList>()).set(deviceId, narrowed));
    return narrowed;
  }

  resolve(userId: string, exposedName: string, deviceId?: string): Resolution {
    const { ambiguous } = this.#user(userId);
    const list = this.tools(userId, deviceId);
    const candidates = ambiguous.get(exposedName);
    if (candidates !== undefined) return { kind: 'ambiguous', candidates };
    const tool = list.tools.find((one) => one.exposedName === exposedName);
    return tool === undefined ? { kind: 'unknown' } : { kind: 'found', tool };
  }

  prompts(userId: string, deviceId?: string): PromptList {
    const { prompts } = this.#user(userId);
    return deviceId === undefined ? prompts : { ...prompts, prompts: prompts.prompts.filter(on(deviceId)) };
  }

  resolvePrompt(userId: string, exposedName: string, deviceId?: string): PromptResolution {
    const candidates = this.#user(userId).ambiguous.get(exposedName);
    if (candidates !== undefined) return { kind: 'ambiguous', candidates };
    const prompt = this.prompts(userId, deviceId).prompts.find((one) => one.exposedName === exposedName);
    return prompt === undefined ? { kind: 'unknown' } : { kind: 'found', prompt };
  }

  resources(userId: string, deviceId?: string): ResourceList {
    return narrowed(this.#user(userId).resources, deviceId);
  }

  resourceTemplates(userId: string, deviceId?: string): ResourceList {
    return narrowed(this.#user(userId).templates, deviceId);
  }

  resolveUri(userId: string, exposedUri: string, deviceId?: string): UriResolution {
    const candidates = this.#user(userId).ambiguous.get(exposedUri);
    if (candidates !== undefined) return { kind: 'ambiguous', candidates };
    const own = ownUri(exposedUri);
    for (const device of this.devices(userId)) {
      if (deviceId !== undefined && device.id !== deviceId) continue;
      for (const { name } of device.servers) {
        if (own === undefined || uriKey(device.name, name) !== own.key) continue;
        const target = { userId, deviceId: device.id, server: name };
        return { kind: 'found', target, uriKey: own.key, uri: own.uri };
      }
    }
    return { kind: 'unknown' };
  }

  call(target: CallTarget, request: CallRequest, sink: CallSink): CallHandle {
    const call = new TestCall(target, request, sink);
    if (this.answer !== undefined) queueMicrotask(() => this.answer?.(call));
    else {
      this.#queue.push(call);
      this.#arrived.emit('call');
    }
    return call;
  }

  onChange(userId: string, listener: () => void): () => void {
    const { listeners } = this.#user(userId);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  onListDropped(listener: (userId: string, list: MergedList) => void): () => void {
    this.#droppedListeners.add(listener);
    return () => this.#droppedListeners.delete(listener);
  }

  /** The next call that has arrived, or will. */
  async next(): Promise<TestCall> {
    while (this.#queue.length === 0) await once(this.#arrived, 'call');
    const call = this.#queue.shift();
    if (call === undefined) throw new Error('no call');
    return call;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  listenersOf(userId: string): number {
    return this.#user(userId).listeners.size;
  }

  /** `revision` defaults to one that has not been used. */
  setTools(userId: string, tools: readonly ExposedTool[], revision = `r${Math.random()}`): void {
    const user = this.#user(userId);
    const { list } = user;
    user.list = { revision, tools, omitted: 0 };
    for (const listener of this.#droppedListeners) listener(userId, list);
    this.changed(userId);
  }

  setPrompts(userId: string, prompts: readonly ExposedPrompt[], revision = `r${Math.random()}`): void {
    this.#user(userId).prompts = { revision, prompts, omitted: 0 };
    this.changed(userId);
  }

  setResources(userId: string, resources: readonly ExposedResource[], revision = `r${Math.random()}`): void {
    this.#user(userId).resources = { revision, resources, omitted: 0 };
    this.changed(userId);
  }

  setTemplates(userId: string, resources: readonly ExposedResource[], revision = `r${Math.random()}`): void {
    this.#user(userId).templates = { revision, resources, omitted: 0 };
    this.changed(userId);
  }

  setViews(userId: string, views: readonly DeviceView[]): void {
    this.#user(userId).views = views;
  }

  setAmbiguous(userId: string, names: Readonly<Record<string, readonly string[]>>): void {
    this.#user(userId).ambiguous = new Map(Object.entries(names));
  }

  changed(userId: string): void {
    for (const listener of [...this.#user(userId).listeners]) listener();
  }

  #user(userId: string): UserState {
    const user = this.#users.get(userId) ?? {
      views: [],
      list: { revision: 'empty', tools: [], omitted: 0 },
      prompts: { revision: 'empty', prompts: [], omitted: 0 },
      resources: { revision: 'empty', resources: [], omitted: 0 },
      templates: { revision: 'empty', resources: [], omitted: 0 },
      ambiguous: new Map(),
      listeners: new Set(),
    };
    this.#users.set(userId, user);
    return user;
  }
}

function on(deviceId: string): (one: { readonly target: CallTarget }) => boolean {
  return ({ target }) => target.deviceId === deviceId;
}

function narrowed(list: ResourceList, deviceId: string | undefined): ResourceList {
  return deviceId === undefined ? list : { ...list, resources: list.resources.filter(on(deviceId)) };
}

/** A tool of `shell` on the device `laptop`, unless said otherwise. */
export function exposed(
  userId: string,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
  server = 'shell',
): ExposedTool {
  return {
    exposedName: `${server}__${name}`,
    target: { userId, deviceId: 'device-1', server },
    deviceName: 'laptop',
    toolName: name,
    tool: { name, inputSchema: { type: 'object' }, ...more },
    fit: false,
  };
}

/** A prompt of `shell` on the device `laptop`. */
export function exposedPrompt(
  userId: string,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): ExposedPrompt {
  return {
    exposedName: `shell__${name}`,
    target: { userId, deviceId: 'device-1', server: 'shell' },
    deviceName: 'laptop',
    promptName: name,
    prompt: { name, ...more },
  };
}

/** A resource of `shell` on the device `laptop`, or, with `uriTemplate`, a template. */
export function exposedResource(
  userId: string,
  uri: string,
  more: Readonly<Record<string, unknown>> = {},
): ExposedResource {
  return {
    exposedUri: exposeUri('laptop.shell', uri),
    target: { userId, deviceId: 'device-1', server: 'shell' },
    deviceName: 'laptop',
    resource: { name: uri, ...('uriTemplate' in more ? {} : { uri }), ...more },
  };
}

/** A server that offers nothing, and is not ready, unless said otherwise. */
export function serverView(name: string, more: Partial<ServerView> = {}): ServerView {
  return { name, status: 'waiting', tools: [], prompts: [], resources: [], resourceTemplates: [], fit: false, ...more };
}

/** The device `laptop` with one ready server, `shell`. */
export function laptop(more: Partial<DeviceView> = {}): DeviceView {
  return {
    id: 'device-1',
    name: 'laptop',
    presence: 'online',
    since: Date.UTC(2026, 0, 2, 3, 4, 5),
    app: { version: '1.2.3', platform: 'linux' },
    servers: [
      serverView('shell', {
        status: 'ready',
        era: 'legacy',
        protocolVersion: '2025-11-25',
        serverInfo: { name: 'shell-server', version: '9.9.9' },
        instructions: 'Use with care.',
        tools: [{ name: 'execute', inputSchema: { type: 'object' } }],
      }),
    ],
    ...more,
  };
}
