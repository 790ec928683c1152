import { expect, it } from 'vitest';
import { Pause } from './pause.js';

it('ends early when told to', async () => {
  const pause = new Pause();
  const waited = pause.forever();
  pause.end();
  await waited;
});

it('does not wait when the end came first, once', async () => {
  const pause = new Pause();
  pause.end();
  await pause.forever();
  let ended = false;
  const second = pause.forever().then(() => {
    ended = true;
  });
  await Promise.resolve();
  expect(ended).toBe(false);
  pause.end();
  await second;
});

it('ends by itself after its time', async () => {
  await new Pause().for(1);
});
