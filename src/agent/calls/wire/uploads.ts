import { CALL_WINDOW_BYTES } from '../../../protocol/frames.js';

/** A server that leaves more than this unread gets no more of what is still on its way to it. */
const UNREAD_BYTES = 8 * 1024 * 1024;
/** What all uploads may hold before only the one begun first goes on. */
const HELD_BYTES = 64 * 1024 * 1024;

/** A message of which pieces have come and others have not. */
export interface Upload {
  /** As its head says; empty where that is not known. */
  readonly server: string;
  /** The client's. */
  readonly session: string;
  bytes: number;
  /** Bytes for which no credit was given yet. */
  owed: number;
  /** Gives credit. */
  grant: (bytes: number) => void;
}

export interface UploadsOptions {
  /** Bytes that a server has not read yet, or the process that serves this client session alone. */
  unread(server: string, session: string): number;
  /** 8 MiB unless given. */
  readonly unreadBytes?: number;
  /** 64 MiB unless given. */
  readonly heldBytes?: number;
}

/**
 * What has come of large messages, on all links. A server that does not read its input has the relay keep the rest, and
 * when there is too much from all of them, only the one begun first gets credit, so that each comes to its end. No more is
 * held than the limit, one message, and a window of each of the others.
 */
export class Uploads {
  /** The oldest first. */
  readonly #open = new Set<Upload>();
  #bytes = 0;
  #waiting = 0;

  constructor(private readonly options: UploadsOptions) {}

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(server: string, session: string): Upload {
    const upload: Upload = { server, session, bytes: 0, owed: 0, grant: () => {} };
    this.#open.add(upload);
    return upload;
  }

  /** A piece has come. @param grant gives credit for it, now or later */
  add(upload: Upload, bytes: number, grant: (bytes: number) => void): void {
    upload.bytes += bytes;
    this.#bytes += bytes;
    if (upload.owed === 0) this.#waiting += 1;
    upload.owed += bytes;
    upload.grant = grant;
    if (this.#mayGoOn(upload)) this.#pay(upload);
  }

  /** It is whole, or nothing more of it is wanted. */
  end(upload: Upload): void {
    if (!this.#open.delete(upload)) return;
    this.#bytes -= upload.bytes;
    if (upload.owed > 0) this.#waiting -= 1;
    this.review();
  }

  /** Less is unread, or held: whoever may go on does. */
  review(): void {
    if (this.#waiting === 0) return;
    for (const upload of this.#open) {
      if (upload.owed > 0 && this.#mayGoOn(upload)) this.#pay(upload);
    }
  }

  #pay(upload: Upload): void {
    const { owed } = upload;
    upload.owed = 0;
    this.#waiting -= 1;
    upload.grant(owed);
  }

  #mayGoOn(upload: Upload): boolean {
    if (this.#unread(upload)) return false;
    const { heldBytes = HELD_BYTES } = this.options;
    // What comes without any credit of ours cannot be helped, and is not what the others wait for.
    return this.#bytes - this.#open.size * CALL_WINDOW_BYTES <= heldBytes || this.#first() === upload;
  }

  #first(): Upload | undefined {
    for (const upload of this.#open) if (!this.#unread(upload)) return upload;
    return undefined;
  }

  #unread({ server, session }: Upload): boolean {
    const { unread, unreadBytes = UNREAD_BYTES } = this.options;
    return server !== '' && unread(server, session) > unreadBytes;
  }
}
