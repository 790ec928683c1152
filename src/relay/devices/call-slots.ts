interface Waiter {
  readonly deviceId: string;
  readonly clientId: string;
  readonly start: () => void;
  readonly timer: NodeJS.Timeout;
}

export interface SlotLimits {
  readonly perDevice: number;
  readonly perClient: number;
  readonly queueMs: number;
}

/** How many calls of one user run at once, per device and per client; the next ones wait in turn, not for long. */
export class CallSlots {
  readonly #perDevice = new Map<string, number>();
  readonly #perClient = new Map<string, number>();
  readonly #waiting = new Set<Waiter>();

  constructor(private readonly limits: SlotLimits) {}

  /**
   * Runs `start` once there is a place, at once if there is one now; the place is held until `leave`.
   *
   * @param refuse told which limit when no place came free in time, or too many wait already
   * @returns gives up waiting, and does nothing once `start` or `refuse` has run; undefined when one has already
   */
  enter(
    deviceId: string,
    clientId: string,
    start: () => void,
    refuse: (whose: 'device' | 'client') => void,
  ): (() => void) | undefined {
    const full = this.#full(deviceId, clientId);
    if (full === undefined) {
      this.#take(deviceId, clientId);
      start();
      return undefined;
    }
    if (this.limits.queueMs === 0 || this.#waiting.size >= this.limits.perDevice) {
      refuse(full);
      return undefined;
    }
    const waiter: Waiter = {
      deviceId,
      clientId,
      start,
      timer: setTimeout(() => {
        this.#waiting.delete(waiter);
        refuse(this.#full(deviceId, clientId) ?? full);
      }, this.limits.queueMs),
    };
    this.#waiting.add(waiter);
    return () => {
      clearTimeout(waiter.timer);
      this.#waiting.delete(waiter);
    };
  }

  limit(whose: 'device' | 'client'): number {
    return whose === 'device' ? this.limits.perDevice : this.limits.perClient;
  }

  /** Gives a place back; whoever waited longest for it goes next. */
  leave(deviceId: string, clientId: string): void {
    count(this.#perDevice, deviceId, -1);
    count(this.#perClient, clientId, -1);
    for (const waiter of this.#waiting) {
      if (this.#full(waiter.deviceId, waiter.clientId) !== undefined) continue;
      clearTimeout(waiter.timer);
      this.#waiting.delete(waiter);
      this.#take(waiter.deviceId, waiter.clientId);
      waiter.start();
    }
  }

  /** Lets everybody in who waits: no call is begun any more, and `start` will say so. */
  close(): void {
    for (const waiter of this.#waiting) {
      clearTimeout(waiter.timer);
      this.#waiting.delete(waiter);
      this.#take(waiter.deviceId, waiter.clientId);
      waiter.start();
    }
  }

  #take(deviceId: string, clientId: string): void {
    count(this.#perDevice, deviceId, 1);
    count(this.#perClient, clientId, 1);
  }

  #full(deviceId: string, clientId: string): 'device' | 'client' | undefined {
    if ((this.#perDevice.get(deviceId) ?? 0) >= this.limits.perDevice) return 'device';
    if ((this.#perClient.get(clientId) ?? 0) >= this.limits.perClient) return 'client';
    return undefined;
  }
}

function count(map: Map<string, number>, key: string, by: number): void {
  const value = (map.get(key) ?? 0) + by;
  if (value > 0) map.set(key, value);
  else map.delete(key);
}
