/** Of one user, so that nobody fills the relay for everybody. */
const SHARE = 1 / 2;

/** Counts the bytes of requests that are being read or not answered yet, of all users together and of each. */
export class OpenBodies {
  readonly #ofUser = new Map<string, number>();
  #bytes = 0;

  /** @param limit see Limits.openRequestBytes */
  constructor(private readonly limit: number) {}

  /** Of all users. */
  get bytes(): number {
    return this.#bytes;
  }

  /** One user's next body. Whoever opens it closes it. */
  open(userId: string): OpenBody {
    return new OpenBody((bytes) => this.#add(userId, bytes));
  }

  #add(userId: string, bytes: number): boolean {
    const ofUser = (this.#ofUser.get(userId) ?? 0) + bytes;
    if (bytes > 0 && (this.#bytes + bytes > this.limit || ofUser > this.limit * SHARE)) return false;
    this.#bytes += bytes;
    if (ofUser > 0) this.#ofUser.set(userId, ofUser);
    else this.#ofUser.delete(userId);
    return true;
  }
}

/** What one request's body takes. */
export class OpenBody {
  #bytes = 0;

  /** @param count adds bytes, or takes them off; false: there is no room for them */
  constructor(private readonly count: (bytes: number) => boolean) {}

  /** False when there is no room for so many more bytes. */
  add(bytes: number): boolean {
    if (!this.count(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Nothing is held of it any more. */
  close(): void {
    this.count(-this.#bytes);
    this.#bytes = 0;
  }
}
