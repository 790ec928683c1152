import type { Clock } from '../../servers/clock.js';
import type { ServerAsk } from '../../servers/types.js';

/** Legacy SDKs give up on their question after 60 s without progress. */
const BEAT_MS = 15_000;

/** While the reply is waited for, the server hears that its question is alive. */
export async function beating<T>(ask: ServerAsk, clock: Clock, answered: Promise<T>): Promise<T> {
  let callOff = () => {};
  const next = () => {
    callOff = clock.after(BEAT_MS, () => {
      ask.progress();
      next();
    });
  };
  next();
  try {
    return await answered;
  } finally {
    callOff();
  }
}
