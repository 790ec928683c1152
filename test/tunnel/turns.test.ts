import { describe, expect, test } from 'vitest';
import { AuthorizationServer } from '../../src/relay/auth/server/authorization-server.js';
import { Draining } from '../../src/relay/draining.js';
import { connect, dial, Refused } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';

/** One link a second, so that the third agent from now on is sure to wait. */
async function busyRig(): Promise<Rig> {
  const rig = await startRig({ linksPerSecond: 1 });
  await connect(rig, 'first');
  return rig;
}

/** What became of an upgrade: `open`, or the status and Retry-After of the refusal. */
async function fate(upgrade: Promise<unknown>): Promise<string> {
  return upgrade.then(
    () => 'open',
    (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      return [error.status, error.headers['retry-after']].join(' ').trim();
    },
  );
}

/** The relay has seen what was sent to it before this. */
async function seen(rig: Rig): Promise<void> {
  await fetch(`${rig.origin}/ws`, { headers: { authorization: `Bearer ${await rig.token('user')}` } });
}

describe('agents that come at once', () => {
  test('are let in one after the other, and none is refused', async () => {
    await using rig = await startRig({ linksPerSecond: 20 });
    const token = await rig.token('user');
    const fates = await Promise.all(Array.from({ length: 30 }, () => fate(dial(rig, token))));
    expect(new Set(fates)).toEqual(new Set(['open']));
  });

  test('strangers take nobody a turn, and are not kept waiting', async () => {
    await using rig = await busyRig();
    const refused = Array.from({ length: 100 }, () => fate(dial(rig, 'not.a.token')));
    refused.push(fate(dial(rig, await rig.token('user', { seconds: -600 }))));
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['401']));
    expect(await fate(dial(rig, await rig.token('user')))).toBe('open');
  });

  test('are asked again who they are when their turn comes', async () => {
    await using rig = await busyRig();
    const grantId = 'ended';
    const [before, token] = [await rig.token('other'), await rig.token('user', { grantId })];
    const first = fate(dial(rig, before));
    await seen(rig);
    const upgrade = fate(dial(rig, token));
    await seen(rig);
    await rig.relay.nest.get(AuthorizationServer, { strict: false }).revokeGrant(grantId);
    expect(await Promise.all([first, upgrade])).toEqual(['open', '401']);
  });

  test('are told to come back when the relay stops', async () => {
    await using rig = await busyRig();
    const token = await rig.token('user');
    const fates = [fate(dial(rig, token)), fate(dial(rig, token)), fate(dial(rig, token))];
    await seen(rig);
    rig.relay.nest.get(Draining, { strict: false }).begin();
    expect((await Promise.all(fates)).slice(1)).toContain('503 2');
  });
});
