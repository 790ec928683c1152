import type { Limits } from '../../config/config.js';
import { CloseCode } from '../../protocol/close-codes.js';
import { encodeFrame, FrameType, NO_ID, PROTOCOL_VERSION } from '../../protocol/frames.js';
import { LinkSender } from '../../protocol/link-sender.js';
import { encodeJson, type Hello } from '../../protocol/messages.js';
import { type Call, type CallOptions } from './call.js';
import type { FindOffered } from './catalog.js';
import { DeviceCalls } from './device-calls.js';
import type { DeviceDirectory, DeviceRecord } from './directory.js';
import * as failures from './failures.js';
import type { Attachment, DeviceLink } from './link.js';
import { ServerCatalogs } from './server-catalogs.js';
import type { CallFailure, DeviceView } from './types.js';

export interface DeviceOptions {
  readonly userId: string;
  readonly limits: Limits;
  readonly relayId: string;
  readonly directory: DeviceDirectory;
  /** Until then a device that this relay has not seen yet counts as just lost, ms since the epoch: the relay was away, not the device. */
  readonly awaitedUntil: number;
  /** What clients may see of the device has changed. */
  readonly changed: () => void;
  /** Looks through the user's devices. */
  readonly find: FindOffered;
  /** It is no longer present. */
  readonly gone: (device: Device) => void;
}

interface Attached {
  readonly link: DeviceLink;
  readonly sender: LinkSender;
  readonly instance: string;
}

/** One present device: connected, between two links, or away. Outlives links; ends when it is no longer present. */
export class Device {
  readonly catalogs: ServerCatalogs;
  readonly #calls = new DeviceCalls();
  #record: DeviceRecord;
  #attached: Attached | undefined;
  /** The agent start whose calls may be taken up again. */
  #instance: string | undefined;
  /** Waits for the agent to come back: first with its calls, then without. */
  #timer: NodeJS.Timeout | undefined;
  #away: boolean;
  #since: number;
  #view: DeviceView | undefined;

  /** A device without a link, until `attach`. */
  constructor(
    record: DeviceRecord,
    private readonly options: DeviceOptions,
  ) {
    this.#record = record;
    this.#since = record.lastSeen;
    this.catalogs = new ServerCatalogs(options.userId, record.id, options.directory, options.find);
    const awaited = options.awaitedUntil - Date.now();
    this.#away = awaited <= 0;
    this.#timer = this.#away ? this.#leaves() : setTimeout(() => this.#nowAway(record.lastSeen), awaited);
  }

  get id(): string {
    return this.#record.id;
  }

  get name(): string {
    return this.#record.name;
  }

  get away(): boolean {
    return this.#away;
  }

  get since(): number {
    return this.#since;
  }

  /** Calls it is working on, without those that only listen. */
  get running(): number {
    return this.#calls.running;
  }

  /** Bytes: see Call. */
  get heldBytes(): number {
    return this.#calls.heldBytes;
  }

  get view(): DeviceView {
    this.#view ??= {
      id: this.id,
      name: this.name,
      presence: this.#away ? 'away' : 'online',
      since: this.#since,
      app: this.#record.app,
      servers: this.catalogs.entries.map((entry) => entry.view),
    };
    return this.#view;
  }

  /** Its agent has come: the first time, again, or a new start of it. Sends the welcome, then the calls. */
  attach(hello: Hello, record: DeviceRecord, link: DeviceLink): Attachment {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#takeOver(hello.instance);
    this.#record = record;
    const attached: Attached = { link, sender: new LinkSender(link.write), instance: hello.instance };
    this.#attached = attached;
    if (this.#away || this.#instance === undefined) this.#since = Date.now();
    this.#instance = hello.instance;
    this.#away = false;
    this.catalogs.named(hello.servers);
    const taken = this.#calls.taken(hello);
    const welcome = encodeJson({
      version: PROTOCOL_VERSION,
      name: record.name,
      device: record.id,
      relay: this.options.relayId,
      heartbeatSeconds: Math.ceil(this.options.limits.heartbeatSeconds),
      pongSeconds: Math.ceil(this.options.limits.pongSeconds),
      resultBytes: this.options.limits.resultBytes,
      calls: taken,
    });
    attached.sender.control(encodeFrame(FrameType.welcome, false, NO_ID, welcome));
    this.#calls.attach(attached.sender, taken);
    this.#changed();
    const current = () => this.#attached === attached;
    return {
      frame: (frame) => current() && this.#calls.frame(frame),
      catalog: (catalog) => current() && this.catalogs.take(catalog) && this.#changed(),
      leave: () => current() && this.leave(),
      lost: () => current() && this.#lost(),
    };
  }

  /** @returns undefined when the device cannot be reached now */
  begin(options: Omit<CallOptions, 'deviceName' | 'resultBytes' | 'callMs' | 'callMaxMs'>): Call | undefined {
    if (this.#away) return undefined;
    const { id, body, lasting, sink, ended } = options;
    const { limits } = this.options;
    return this.#calls.begin({
      id,
      body,
      lasting,
      sink,
      ended,
      deviceName: this.name,
      resultBytes: limits.resultBytes,
      callMs: limits.callSeconds * 1000,
      callMaxMs: limits.callMaxSeconds * 1000,
    });
  }

  /** Written from time to time, so that a relay that was killed knows whom it had. */
  seen(): void {
    if (this.#attached !== undefined) this.#remember({ lastSeen: Date.now() });
  }

  /** Tells the agent to dial again within this time. */
  drain(afterMs: number): void {
    this.#attached?.sender.control(encodeFrame(FrameType.drain, false, NO_ID, encodeJson({ afterMs })));
  }

  fail(failure: (dispatched: boolean) => CallFailure): void {
    this.#calls.fail(failure);
  }

  /** It leaves on purpose: its calls fail now, and it is no longer listed. */
  leave(): void {
    const now = Date.now();
    this.#detach();
    // No call is taken from here on, also none that waited for a place.
    this.#away = true;
    this.#since = now;
    this.#remember({ lastSeen: now, left: true });
    this.#calls.fail((dispatched) => failures.lost(this.name, now, dispatched, 'goodbye'));
    this.#gone();
  }

  /** The relay ends: timers stop, what is known stays in the directory. @param code closes its link */
  close(code: number, reason: string): void {
    clearTimeout(this.#timer);
    const link = this.#attached?.link;
    if (link !== undefined) this.#remember({ lastSeen: Date.now() });
    this.#detach();
    this.#calls.fail(failures.draining);
    link?.close(code, reason);
  }

  #takeOver(instance: string): void {
    const previous = this.#attached;
    this.#detach();
    if (this.#instance !== instance) this.catalogs.restarted();
    // Those that wait for an agent this relay has not seen yet have not been sent to any.
    if (this.#instance !== undefined && this.#instance !== instance) {
      const now = Date.now();
      this.#calls.fail((dispatched) => failures.lost(this.name, now, dispatched, 'replaced'));
    }
    if (previous === undefined) return;
    if (previous.instance === instance) previous.link.retire();
    else previous.link.close(CloseCode.replaced, 'another agent of this machine has taken over');
  }

  #detach(): void {
    this.#attached?.sender.close();
    this.#attached = undefined;
    this.#calls.detach();
  }

  #lost(): void {
    const { resumeSeconds } = this.options.limits;
    const at = Date.now();
    this.#detach();
    this.#remember({ lastSeen: at });
    this.#timer = setTimeout(() => this.#nowAway(at), resumeSeconds * 1000);
  }

  #nowAway(at: number): void {
    this.#away = true;
    this.#since = at;
    this.#calls.fail((dispatched) =>
      dispatched ? failures.lost(this.name, at, true, 'disconnected') : failures.offline(this.name, at),
    );
    this.#timer = this.#leaves();
    this.#changed();
  }

  /** Ends its presence when it has been away for long enough. */
  #leaves(): NodeJS.Timeout {
    const left = this.#since + this.options.limits.presentSeconds * 1000 - Date.now();
    return setTimeout(() => this.#gone(), Math.max(0, left));
  }

  #gone(): void {
    clearTimeout(this.#timer);
    this.options.directory.dropCatalogs(this.options.userId, this.id);
    this.options.gone(this);
  }

  #remember(change: Partial<DeviceRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.options.directory.put(this.options.userId, this.#record, false);
  }

  #changed(): void {
    this.#view = undefined;
    this.options.changed();
  }
}
