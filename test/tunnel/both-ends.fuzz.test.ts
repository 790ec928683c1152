import fc from 'fast-check';
import { it } from 'vitest';
import { FUZZ_MS, fuzzAsync } from '../helpers/fuzz.js';
import { BothEnds } from './both-ends.js';

/** The frame decoder and the quick path of a response have the whole time. */
const PART = 1 / 4;

const OPS = [
  'call',
  'event',
  'ask',
  'answer',
  'finish',
  'cancel',
  'read',
  'kernel',
  'deliver',
  'deliver',
  'deliver',
  'ping',
  'cut',
  'renew',
] as const;
const step = fc.record({
  op: fc.constantFrom(...OPS),
  which: fc.nat(1000),
  size: fc.oneof(fc.nat(300), fc.nat(400_000)),
});

it(
  'whatever becomes of links, each call runs at most once, and all it says arrives once and in order',
  async () => {
    await fuzzAsync(
      'both ends',
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const ends = new BothEnds();
        for (const { op, which, size } of steps) {
          ends[op](which, size);
          await settled();
        }
        await ends.comeToRest(settled);
        ends.check();
      }),
      PART,
    );
  },
  FUZZ_MS,
);

it('a call that came on the old link after the hello is ended where the relay has given it up', async () => {
  const ends = new BothEnds();
  ends.call(0, 0);
  ends.cancel(0);
  // Of what the relay has sent on the old link, the call comes and the cancel does not.
  ends.renew(451);
  await ends.comeToRest(settled);
  ends.check();
});

/** What was told has been heard. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
