import { expect, it } from 'vitest';
import { OpenBodies } from './open-bodies.js';

it('comes back to nothing, whoever closes in whatever order, once or twice', () => {
  const bodies = new OpenBodies(100);
  const [first, second] = [bodies.open('u1'), bodies.open('u1')];
  const third = bodies.open('u2');
  expect([first.add(30), second.add(20), second.add(1), third.add(50), third.add(1)]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  expect(bodies.bytes).toBe(100);
  first.close();
  first.close();
  expect(bodies.bytes).toBe(70);
  expect(second.add(30)).toBe(true);
  for (const open of [third, second]) open.close();
  expect(bodies.bytes).toBe(0);
  expect(bodies.open('u1').add(50)).toBe(true);
});
