import { expect, test } from 'vitest';
import { gated, System } from '../helpers/system.js';
import { skewed } from './skewed.js';

/** The shortest-lived tokens a config can ask for: as long as the clocks are apart. */
const limits = { accessTokenSeconds: 60 };

test.each([60, -60])('a relay whose clock is %i s off: sign-in, link and calls', async (seconds) => {
  await using system = await System.start({ limits, program: skewed(seconds) });
  await system.agent({ servers: { work: gated({ label: 'plum' }) } });
  await using client = await system.client();
  await client.listed('work__whoami');
  expect(await client.text('work__whoami')).toContain('plum');
});

test.each([60, -60])('an agent whose clock is %i s off: login, status, link and calls', async (seconds) => {
  await using system = await System.start({ limits });
  const { machine } = await system.agent({ servers: { work: gated({ label: 'plum' }) }, program: skewed(seconds) });
  await using client = await system.client();
  await client.listed('work__whoami');
  expect(await client.text('work__whoami')).toContain('plum');
  expect((await machine.run('status')).code).toBe(0);
});
