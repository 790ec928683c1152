/** What a call needs of an AbortSignal; every AbortSignal is one. */
export interface CallSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** @throws the reason, once aborted */
  throwIfAborted(): void;
  /** `listener` runs once, when it aborts; never, if it has aborted before. */
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * What ends a call early. Each call has one and few ever need it, so it is no AbortController: to make that, to listen
 * and to leave it again takes five microseconds, more than all else that is done to a small call here but the logging.
 */
export class CallAbort implements CallSignal {
  #aborted = false;
  #reason: unknown;
  #listeners: (() => void)[] | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  /** Only the first reason counts. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    // Listeners that take each other off are not called any more.
    for (let next = this.#listeners?.shift(); next !== undefined; next = this.#listeners?.shift()) next();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#aborted || this.#listeners?.includes(listener)) return;
    if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.#listeners?.splice(at, 1);
  }
}
