import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PacedReading } from './paced-reading.js';

const READ = 64 * 1024;

/** A pipe that always has more, until `reads` have been read; `sizes` of what has been taken. */
function rig(reads: number, bytes = READ) {
  let left = reads;
  const pipe = new Readable({
    highWaterMark: READ,
    read() {
      left -= 1;
      this.push(left < 0 ? null : Buffer.alloc(bytes));
    },
  });
  const sizes: number[] = [];
  const paced = new PacedReading(pipe, (chunk) => sizes.push(chunk.length));
  return { pipe, paced, sizes };
}

/** How many reads each turn brings until the pipe has ended. */
async function readsInTurns(pipe: Readable, sizes: readonly number[]): Promise<number[]> {
  const inTurn: number[] = [];
  while (!pipe.readableEnded) {
    const before = sizes.length;
    await turn();
    inTurn.push(sizes.length - before);
  }
  return inTurn;
}

describe('PacedReading', () => {
  it('takes two or three full reads in a turn, and all of them in the end', async () => {
    const { pipe, sizes } = rig(100);
    expect(Math.max(...(await readsInTurns(pipe, sizes)))).toBeLessThanOrEqual(3);
    expect(sizes).toHaveLength(100);
  });

  it('does not rest after reads that empty the pipe', async () => {
    const { pipe, sizes } = rig(100, READ - 1);
    await turn();
    await turn();
    expect([sizes.length, pipe.isPaused()]).toEqual([100, false]);
  });

  it('takes nothing while it is held, even when it has rested', async () => {
    const { paced, sizes, pipe } = rig(100);
    while (sizes.length === 0) await turn();
    paced.hold();
    const held = sizes.length;
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(sizes).toHaveLength(held);
    paced.release();
    while (!pipe.readableEnded) await turn();
    expect(sizes).toHaveLength(100);
  });

  it('finishes its rest when it is held and released meanwhile', async () => {
    const { paced, sizes, pipe } = rig(100);
    while (!pipe.isPaused()) await turn();
    paced.hold();
    paced.release();
    expect(Math.max(...(await readsInTurns(pipe, sizes)))).toBeLessThanOrEqual(3);
    expect(sizes).toHaveLength(100);
  });
});
