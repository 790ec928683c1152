import type { Limits } from '../../config/config.js';
import { CloseCode } from '../../protocol/close-codes.js';
import type { Hello } from '../../protocol/messages.js';
import { isSlug, numberedSlug, toSlug } from '../../protocol/names.js';
import { CallSlots } from './call-slots.js';
import { digest } from './catalog.js';
import { ChangeSignal } from './change-signal.js';
import { Device, type DeviceOptions } from './device.js';
import { type DeviceDirectory, type DeviceRecord, deviceIdOf } from './directory.js';
import { type Attachment, AttachRefused, type DeviceLink } from './link.js';
import { MergedLists } from './merged-lists.js';
import type { ListSource } from './name-table.js';
import type { DeviceView, MergedList } from './types.js';

const CHANGE_PAUSE_MS = 250;
/** Calls that only listen, of all clients: an agent lists every call in its hello, which has room for 20,000. */
const LISTENS_PER_DEVICE = 4096;
/** Remembered devices for each one that may be present at a time. */
const REMEMBERED = 4;

export interface UserOptions {
  readonly userId: string;
  readonly limits: Limits;
  readonly relayId: string;
  readonly directory: DeviceDirectory;
  /** See DeviceOptions. */
  readonly awaitedUntil: number;
}

/** One user's devices: names, the merged lists, places for calls. */
export class UserDevices {
  readonly slots: CallSlots;
  /** Places of calls that only listen. */
  readonly listens: CallSlots;
  readonly changes: ChangeSignal;
  readonly #devices = new Map<string, Device>();
  /** One for all: of thousands of devices each would hold its own. */
  readonly #deviceOptions: DeviceOptions;
  #views: readonly DeviceView[] | undefined;
  readonly #lists: MergedLists;
  /** Of one device each, made when asked for; '' is no device. */
  readonly #listsOf = new Map<string, MergedLists>();

  /** @param dropped told of each list that was handed out and is one of the past */
  constructor(
    private readonly options: UserOptions,
    private readonly dropped: (list: MergedList) => void,
  ) {
    const { limits, directory, userId } = options;
    this.#deviceOptions = {
      ...options,
      changed: () => this.#changed(),
      find: (kind, wanted) => {
        for (const { catalogs } of this.#devices.values()) {
          const list = catalogs.offered(kind, wanted);
          if (list !== undefined) return list;
        }
        return undefined;
      },
      gone: (device) => {
        this.#devices.delete(device.id);
        this.#changed();
      },
    };
    this.slots = new CallSlots({
      perDevice: limits.callsPerDevice,
      perClient: limits.callsPerClient,
      queueMs: limits.queueSeconds * 1000,
    });
    this.listens = new CallSlots({
      perDevice: LISTENS_PER_DEVICE,
      perClient: limits.listensPerClient,
      queueMs: 0,
    });
    for (const record of directory.records(userId).values()) {
      const present = !record.left && record.lastSeen + limits.presentSeconds * 1000 > Date.now();
      if (present) this.#devices.set(record.id, this.#device(record));
    }
    this.#lists = new MergedLists(() => this.#sources(), limits, dropped);
    this.changes = new ChangeSignal(CHANGE_PAUSE_MS, () => this.#state());
  }

  get devices(): Iterable<Device> {
    return this.#devices.values();
  }

  get views(): readonly DeviceView[] {
    this.#views ??= this.#sorted().map((device) => device.view);
    return this.#views;
  }

  /** Of all devices, or of one, whose entries are then named as if it were alone; empty when it is not present. */
  lists(deviceId: string | undefined): MergedLists {
    if (deviceId === undefined) return this.#lists;
    const id = this.#devices.has(deviceId) ? deviceId : '';
    let lists = this.#listsOf.get(id);
    if (lists === undefined) {
      lists = new MergedLists(() => this.#sources(id), this.options.limits, this.dropped);
      this.#listsOf.set(id, lists);
    }
    return lists;
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  /** A device of this user that is not present now. */
  remembered(id: string): DeviceRecord | undefined {
    return this.options.directory.records(this.options.userId).get(id);
  }

  /** @throws AttachRefused */
  attach(hello: Hello, link: DeviceLink): Attachment {
    const id = deviceIdOf(this.options.userId, hello.machine);
    if (!this.#devices.has(id)) this.#makeRoom();
    const record = this.#record(id, hello);
    let device = this.#devices.get(id);
    if (device === undefined) {
      device = this.#device(record);
      this.#devices.set(id, device);
    }
    return device.attach(hello, record, link);
  }

  /** No device is present, and nobody would hear of one. */
  get idle(): boolean {
    return this.#devices.size === 0 && this.changes.idle;
  }

  /** Nothing of the user is needed any more, until it is asked for again. */
  forget(): void {
    this.changes.close();
    for (const lists of [this.#lists, ...this.#listsOf.values()]) lists.drop();
  }

  /** The relay ends: draining has begun. */
  close(code: number, reason: string): void {
    this.slots.close();
    this.changes.close();
    for (const device of this.#devices.values()) device.close(code, reason);
  }

  /** @param only of this device */
  #sources(only?: string): ListSource[] {
    const devices = this.#sorted().filter((device) => only === undefined || device.id === only);
    return devices.map((device) => ({
      userId: this.options.userId,
      deviceId: device.id,
      deviceName: device.name,
      servers: device.catalogs.entries,
    }));
  }

  #device(record: DeviceRecord): Device {
    return new Device(record, this.#deviceOptions);
  }

  /** A device that has dropped off gives way to one that is here. @throws AttachRefused */
  #makeRoom(): void {
    const { devicesPerUser } = this.options.limits;
    if (this.#devices.size < devicesPerUser) return;
    const [oldest] = [...this.#devices.values()].filter((device) => device.away).sort((a, b) => a.since - b.since);
    if (oldest === undefined) {
      throw new AttachRefused(CloseCode.tooMany, `${devicesPerUser} devices are connected, the limit: stop one first`);
    }
    oldest.leave();
  }

  #record(id: string, hello: Hello): DeviceRecord {
    const { directory, userId } = this.options;
    const known = directory.records(userId).get(id);
    const wished = isSlug(hello.name) ? hello.name : toSlug(hello.name);
    const name = known?.wished === wished ? known.name : this.#freeName(id, wished);
    const record = { id, name, wished, app: hello.app, lastSeen: Date.now(), left: false };
    directory.put(userId, record, known?.name !== name);
    if (known === undefined) this.#forgetOldest();
    return record;
  }

  #freeName(id: string, wished: string): string {
    const taken = new Set<string>();
    for (const record of this.options.directory.records(this.options.userId).values()) {
      if (record.id !== id) taken.add(record.name);
    }
    if (!taken.has(wished)) return wished;
    for (let number = 2; ; number++) {
      const name = numberedSlug(wished, number);
      if (!taken.has(name)) return name;
    }
  }

  #forgetOldest(): void {
    const { directory, userId, limits } = this.options;
    const records = directory.records(userId);
    const absent = [...records.values()].filter((record) => !this.#devices.has(record.id) && record.left);
    absent.sort((a, b) => a.lastSeen - b.lastSeen);
    const over = records.size - limits.devicesPerUser * REMEMBERED;
    for (const record of absent.slice(0, Math.max(0, over))) directory.forget(userId, record.id);
  }

  #sorted(): Device[] {
    return [...this.#devices.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #changed(): void {
    this.#views = undefined;
    this.#lists.update();
    for (const [id, lists] of this.#listsOf) {
      lists.update();
      if (id !== '' && !this.#devices.has(id)) this.#listsOf.delete(id);
    }
    this.changes.touch();
  }

  /** Everything lists and views are made of. */
  #state(): string {
    const devices = this.#sorted().flatMap((device) => [
      device.name,
      device.away ? 'away' : 'online',
      ...device.catalogs.entries.flatMap((entry) => [entry.view.name, entry.digest]),
    ]);
    return digest(...devices);
  }
}
