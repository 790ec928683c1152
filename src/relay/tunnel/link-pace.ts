import type { Duplex } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { Limits, RelayConfig } from '../../config/config.js';
import { Draining } from '../draining.js';
import { RELAY_CONFIG } from '../tokens.js';
import { UpgradeRefused } from './upgrade-refused.js';

/** What may come at once after a quiet moment, as a part of a second's links: any one second has at most 1.25 times the limit. */
const BURST_SECONDS = 0.25;
/** As many wait as can be let in within this time; agents give a handshake 15 s. */
const WAIT_SECONDS = 10;
/** Nobody is sent away for longer. */
const LATER_SECONDS = 60;

interface Waiting {
  readonly userId: string;
  /** Its turn has come, or it has gone. */
  readonly go: () => void;
  readonly refuse: (refusal: UpgradeRefused) => void;
}

/**
 * Lets agents in at an even pace when all come at once, as after a restart: first come, first served. Their tokens have
 * been checked, so strangers take nobody's turn, and one user takes no more places than may have devices.
 */
@Injectable()
export class LinkPace {
  readonly #limits: Limits;
  readonly #burst: number;
  /** In the order of their turns. */
  readonly #waiting = new Set<Waiting>();
  readonly #ofUser = new Map<string, number>();
  /** Links that may come now, as of `#at`. */
  #free: number;
  #at = performance.now();
  /** Until when turns are spoken for by those who were sent away. */
  #promised = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(RELAY_CONFIG) config: RelayConfig,
    @Inject(Draining) private readonly draining: Draining,
  ) {
    this.#limits = config.limits;
    this.#burst = Math.max(1, Math.floor(config.limits.linksPerSecond * BURST_SECONDS));
    this.#free = this.#burst;
    draining.onBegin(() => this.#refuseAll());
  }

  /**
   * @param socket leaves the line when it closes
   * @returns undefined when this agent may come in at once; else resolves when it may
   * @throws UpgradeRefused, or rejects with it: 503 with Retry-After
   */
  turn(userId: string, socket: Duplex): Promise<void> | undefined {
    if (this.draining.draining) throw UpgradeRefused.restarting();
    this.#refill();
    if (this.#waiting.size === 0 && this.#free >= 1) {
      this.#free -= 1;
      return undefined;
    }
    const { linksPerSecond, devicesPerUser } = this.#limits;
    const mine = this.#ofUser.get(userId) ?? 0;
    if (mine >= devicesPerUser) throw later('too many agents of this user wait to connect', this.#lineSeconds());
    if (this.#waiting.size >= linksPerSecond * WAIT_SECONDS) {
      throw later('many agents wait to connect', this.#promise());
    }
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => () => {
        socket.off('close', gone);
        this.#leave(waiting);
        act();
      };
      const gone = end(resolve);
      const waiting: Waiting = { userId, go: gone, refuse: (refusal) => end(() => reject(refusal))() };
      socket.once('close', gone);
      this.#waiting.add(waiting);
      this.#ofUser.set(userId, mine + 1);
      this.#timer ??= this.#next();
    });
  }

  #next(): NodeJS.Timeout {
    return setTimeout(
      () => {
        this.#refill();
        for (const waiting of this.#waiting) {
          if (this.#free < 1) break;
          this.#free -= 1;
          waiting.go();
        }
        this.#timer = this.#waiting.size === 0 ? undefined : this.#next();
      },
      Math.ceil((Math.max(0, 1 - this.#free) * 1000) / this.#limits.linksPerSecond),
    );
  }

  #refill(): void {
    const now = performance.now();
    this.#free = Math.min(this.#burst, this.#free + ((now - this.#at) / 1000) * this.#limits.linksPerSecond);
    this.#at = now;
  }

  #leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    const left = (this.#ofUser.get(waiting.userId) ?? 1) - 1;
    if (left > 0) this.#ofUser.set(waiting.userId, left);
    else this.#ofUser.delete(waiting.userId);
  }

  /** How long the last in the line waits. */
  #lineSeconds(): number {
    return this.#waiting.size / this.#limits.linksPerSecond;
  }

  /** One more is sent away: when its turn would be, behind all who wait or were sent away before it. @returns seconds */
  #promise(): number {
    const now = performance.now() / 1000;
    const behind = Math.max(this.#promised, now + this.#lineSeconds());
    this.#promised = Math.min(behind + 1 / this.#limits.linksPerSecond, now + LATER_SECONDS);
    return this.#promised - now;
  }

  #refuseAll(): void {
    clearTimeout(this.#timer);
    for (const { refuse } of this.#waiting) refuse(UpgradeRefused.restarting());
  }
}

function later(message: string, seconds: number): UpgradeRefused {
  return new UpgradeRefused(503, 'unavailable', message, { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) });
}
