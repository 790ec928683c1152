import { randomBytes } from 'node:crypto';
import type { Session } from '../legacy/session.js';
import { since } from '../protocol-versions.js';
import { ReplayStream } from './replay-stream.js';

export interface ReplayLimits {
  readonly replayBytes: number;
  readonly keepaliveSeconds: number;
}

/** What one session's streams may keep, and all of them together, in units of one stream's share. */
const PER_SESSION = 4;
const IN_ALL = 64;

/** Makes the streams of calls, and bounds what they keep. */
export class ReplayStreams {
  /** Names differ over restarts, so that an old event id never means a new stream. */
  readonly #boot = randomBytes(6).toString('base64url');
  #count = 0;
  #bytes = 0;

  constructor(private readonly limits: ReplayLimits) {}

  /** Kept for all sessions. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param requestId JSON text of the id of the request whose stream it is */
  open(session: Session, requestId: string, taken: (bytes: number) => void): ReplayStream {
    const { replayBytes, keepaliveSeconds } = this.limits;
    this.#makeRoom(session);
    // Under pressure no stream keeps more: those that grow let go of what they have, the others keep it.
    const room = () => (this.#bytes > IN_ALL * replayBytes ? 0 : replayBytes);
    this.#count += 1;
    const stream = new ReplayStream(
      `${this.#boot}-${this.#count}`,
      requestId,
      {
        get replayBytes() {
          return room();
        },
        keepaliveSeconds,
        prime: since(session.claims.version, '2025-11-25'),
      },
      taken,
      (bytes) => {
        this.#bytes += bytes;
        session.replayBytes += bytes;
      },
    );
    session.replays.set(stream.name, stream);
    return stream;
  }

  /** Lets go of the session's oldest finished streams. */
  #makeRoom(session: Session): void {
    for (const [name, stream] of session.replays) {
      if (session.replayBytes <= (PER_SESSION - 1) * this.limits.replayBytes) return;
      if (stream.endedAt === undefined) continue;
      stream.forget();
      session.replays.delete(name);
    }
  }
}
