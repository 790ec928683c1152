import type { Gate } from '../gate.js';
import type { Readings } from './readings.js';

/** How fast one response is read: what is not, stays in the server's socket, and in time the server has to wait. */
export interface Pace {
  /**
   * After each chunk; of the message it belongs to so many bytes are held.
   * @returns resolves when the next one may be read; undefined when it may be now
   */
  next(held: number): Promise<void> | undefined;
  /** Nothing more is read. */
  end(): void;
}

/** @param room of the call whose response it is: see RequestContext.room */
export function paceOf(gate: Gate, readings: Readings, room: () => Promise<void> | undefined = () => undefined): Pace {
  const reading = readings.begin();
  const wait = () => gate.passage ?? room();
  const go = async (turn: Promise<void> | undefined) => {
    await turn;
    for (let waiting = wait(); waiting !== undefined; waiting = wait()) {
      reading.aside(true);
      await waiting;
      reading.aside(false);
    }
  };
  return {
    next: (held) => {
      const turn = reading.holds(held);
      return turn === undefined && wait() === undefined ? undefined : go(turn);
    },
    end: () => reading.end(),
  };
}
