import { randomBytes } from 'node:crypto';

/** Since it was last read. */
const KEEP_MS = 15 * 60 * 1000;
const TEXTS = 64;
/** Of all texts together; Node keeps up to two bytes a character. */
const CHARACTERS = 32 * 1024 * 1024;

interface Kept {
  readonly owner: string;
  readonly text: string;
  usedAt: number;
}

export interface KeptTextsOptions {
  /** Milliseconds, of any clock. */
  readonly now?: () => number;
  readonly texts?: number;
  readonly characters?: number;
}

/** Long results that were cut, for whoever got them to read on. In memory only; the oldest go first. */
export class KeptTexts {
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;
  readonly #texts: number;
  readonly #characters: number;
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ now = Date.now, texts = TEXTS, characters = CHARACTERS }: KeptTextsOptions = {}) {
    this.#now = now;
    this.#texts = texts;
    this.#characters = characters;
  }

  /** Of all texts. */
  get characters(): number {
    return this.#held;
  }

  /** @returns its id, `<prefix>~<random>`; undefined when it is too long to be kept */
  keep(prefix: string, owner: string, text: string): string | undefined {
    if (text.length > this.#characters) return undefined;
    this.#forgetOld();
    while (this.#kept.size >= this.#texts || this.#held + text.length > this.#characters) this.#forgetFirst();
    const id = `${prefix}~${randomBytes(16).toString('base64url')}`;
    this.#kept.set(id, { owner, text, usedAt: this.#now() });
    this.#held += text.length;
    this.#timer ??= setInterval(() => this.#forgetOld(), KEEP_MS / 15).unref();
    return id;
  }

  /** Only its owner gets it. */
  read(id: string, owner: string): string | undefined {
    this.#forgetOld();
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.owner !== owner) return undefined;
    kept.usedAt = this.#now();
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return kept.text;
  }

  close(): void {
    this.#kept.clear();
    this.#held = 0;
    this.#rest();
  }

  #forgetOld(): void {
    const before = this.#now() - KEEP_MS;
    for (const { usedAt } of this.#kept.values()) {
      if (usedAt > before) break;
      this.#forgetFirst();
    }
    if (this.#kept.size === 0) this.#rest();
  }

  #forgetFirst(): void {
    for (const [id, { text }] of this.#kept) {
      this.#kept.delete(id);
      this.#held -= text.length;
      return;
    }
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
