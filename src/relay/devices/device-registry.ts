import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { RelayConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { HEAD_BYTES, headBytes } from '../../protocol/call-messages.js';
import { CloseCode } from '../../protocol/close-codes.js';
import type { Hello } from '../../protocol/messages.js';
import { Draining } from '../draining.js';
import type { Store } from '../store/store.js';
import { LOGGER, RELAY_CONFIG, STORE } from '../tokens.js';
import { callBody } from './call-body.js';
import { CallIds } from './call-ids.js';
import type { Device } from './device.js';
import { DeviceDirectory } from './directory.js';
import * as failures from './failures.js';
import type { Attachment, DeviceLink } from './link.js';
import { PlacedCall } from './placed-call.js';
import type {
  CallFailure,
  CallHandle,
  CallRequest,
  CallSink,
  CallTarget,
  Devices,
  DeviceView,
  MergedList,
  PromptList,
  PromptResolution,
  Resolution,
  ResourceList,
  ToolList,
  UriResolution,
} from './types.js';
import { UserDevices } from './user-devices.js';

const SWEEP_MS = 60 * 60 * 1000;
const SEEN_MS = 60 * 1000;

/** All users' devices, their merged lists and their running calls: the seam between clients and agents. */
@Injectable()
export class DeviceRegistry implements Devices, OnModuleInit, OnModuleDestroy {
  readonly #users = new Map<string, UserDevices>();
  readonly #directory: DeviceDirectory;
  readonly #relayId = randomBytes(16).toString('hex');
  readonly #ids = new CallIds();
  readonly #idle = new Set<() => void>();
  readonly #droppedListeners = new Set<(userId: string, list: MergedList) => void>();
  #timers: NodeJS.Timeout[] = [];
  #awaitedUntil = 0;

  constructor(
    @Inject(RELAY_CONFIG) private readonly config: RelayConfig,
    @Inject(STORE) store: Store,
    @Inject(LOGGER) logger: Logger,
    @Inject(Draining) private readonly draining: Draining,
  ) {
    this.#directory = new DeviceDirectory(store, logger.child('devices'), config.limits.presentSeconds * 1000);
  }

  async onModuleInit(): Promise<void> {
    await this.#directory.load();
    this.#awaitedUntil = Date.now() + this.config.limits.resumeSeconds * 1000;
    const seenMs = Math.min(SEEN_MS, (this.config.limits.presentSeconds * 1000) / 2 || SEEN_MS);
    this.#timers = [
      setInterval(() => this.sweep(), SWEEP_MS),
      setInterval(() => {
        for (const device of this.#devices()) device.seen();
      }, seenMs),
    ];
  }

  async onModuleDestroy(): Promise<void> {
    await this.close();
  }

  /** Forgets devices that were not seen for long, and users of whom nothing is here. */
  sweep(): void {
    this.#directory.sweep();
    for (const [userId, user] of this.#users) {
      if (!user.idle) continue;
      user.forget();
      this.#users.delete(userId);
    }
  }

  /** Bytes that running calls hold: see Call. */
  get heldBytes(): number {
    let bytes = 0;
    for (const device of this.#devices()) bytes += device.heldBytes;
    return bytes;
  }

  devices(userId: string): readonly DeviceView[] {
    return this.#user(userId).views;
  }

  tools(userId: string, deviceId?: string): ToolList {
    return this.#user(userId).lists(deviceId).tools;
  }

  resolve(userId: string, exposedName: string, deviceId?: string): Resolution {
    return this.#user(userId).lists(deviceId).resolveTool(exposedName);
  }

  prompts(userId: string, deviceId?: string): PromptList {
    return this.#user(userId).lists(deviceId).prompts;
  }

  resolvePrompt(userId: string, exposedName: string, deviceId?: string): PromptResolution {
    return this.#user(userId).lists(deviceId).resolvePrompt(exposedName);
  }

  resources(userId: string, deviceId?: string): ResourceList {
    return this.#user(userId).lists(deviceId).resources;
  }

  resourceTemplates(userId: string, deviceId?: string): ResourceList {
    return this.#user(userId).lists(deviceId).resourceTemplates;
  }

  resolveUri(userId: string, exposedUri: string, deviceId?: string): UriResolution {
    return this.#user(userId).lists(deviceId).resolveUri(exposedUri);
  }

  onChange(userId: string, listener: () => void): () => void {
    return this.#user(userId).changes.listen(listener);
  }

  onListDropped(listener: (userId: string, list: MergedList) => void): () => void {
    this.#droppedListeners.add(listener);
    return () => this.#droppedListeners.delete(listener);
  }

  /** The sink hears nothing before this has returned. */
  call(target: CallTarget, request: CallRequest, sink: CallSink): CallHandle {
    const user = this.#user(target.userId);
    const { deviceId, server } = target;
    const clientId = request.client.id;
    const placed = new PlacedCall(sink);
    const device = user.device(deviceId);
    if (this.draining.draining || device === undefined || device.away) {
      placed.refuse(this.#refusal(user, deviceId));
      return placed;
    }
    const lasting = request.lasting === true;
    const slots = lasting ? user.listens : user.slots;
    const leave = () => {
      slots.leave(deviceId, clientId);
      this.#checkIdle();
    };
    const start = () => {
      // Not before: what waits for its place is held once, by the request.
      const body = callBody(server, request);
      if (headBytes(body) > HEAD_BYTES) {
        leave();
        placed.refuse(failures.tooLargeHead(HEAD_BYTES));
        return;
      }
      const id = this.#ids.next();
      const call = this.draining.draining
        ? undefined
        : user.device(deviceId)?.begin({ id, body, lasting, sink, ended: leave });
      if (call !== undefined) {
        placed.runs(call);
        return;
      }
      leave();
      placed.refuse(this.#refusal(user, deviceId));
    };
    const full = (whose: 'device' | 'client') => {
      const failure = lasting ? failures.tooManyListens : failures.busy;
      placed.refuse(failure(device.name, slots.limit(whose), whose));
    };
    const stop = slots.enter(deviceId, clientId, start, full);
    if (stop !== undefined) placed.waits(stop);
    return placed;
  }

  /** An agent of this user has said hello; its welcome is sent before this returns. @throws AttachRefused */
  attach(userId: string, hello: Hello, link: DeviceLink): Attachment {
    return this.#user(userId).attach(hello, link);
  }

  /** Tells every agent to dial again within this time; running calls go on. */
  drain(afterMs: number): void {
    for (const device of this.#devices()) device.drain(afterMs);
  }

  /** Resolves when no call is running. */
  async idle(): Promise<void> {
    if (this.#running() > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  /** Ends what still runs: the time for it is over. */
  fail(): void {
    for (const device of this.#devices()) device.fail(failures.draining);
  }

  /** Ends what still runs with `draining`, closes every link with 1012, and writes down who was here. */
  async close(): Promise<void> {
    this.draining.begin();
    for (const timer of this.#timers) clearInterval(timer);
    for (const user of this.#users.values()) user.close(CloseCode.restart, 'the relay restarts');
    await this.#directory.flush();
  }

  #refusal(user: UserDevices, deviceId: string): CallFailure {
    if (this.draining.draining) return failures.draining(false);
    const device = user.device(deviceId);
    if (device !== undefined) return failures.offline(device.name, device.since);
    const record = user.remembered(deviceId);
    return record === undefined ? failures.unknownDevice() : failures.offline(record.name, record.lastSeen);
  }

  #user(userId: string): UserDevices {
    let user = this.#users.get(userId);
    if (user === undefined) {
      const { limits } = this.config;
      const [relayId, directory, awaitedUntil] = [this.#relayId, this.#directory, this.#awaitedUntil];
      const options = { userId, limits, relayId, directory, awaitedUntil };
      user = new UserDevices(options, (list) => {
        for (const listener of this.#droppedListeners) listener(userId, list);
      });
      this.#users.set(userId, user);
    }
    return user;
  }

  *#devices(): Iterable<Device> {
    for (const user of this.#users.values()) yield* user.devices;
  }

  #running(): number {
    let running = 0;
    for (const device of this.#devices()) running += device.running;
    return running;
  }

  #checkIdle(): void {
    if (this.#idle.size === 0 || this.#running() > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }
}
