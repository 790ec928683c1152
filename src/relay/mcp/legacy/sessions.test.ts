import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Principal } from '../../auth/principal.js';
import type { Store } from '../../store/store.js';
import { ReplayStreams } from '../answers/replay-streams.js';
import { AGGREGATE } from '../endpoint.js';
import { Sessions } from './sessions.js';

const principal: Principal = {
  userId: 'u',
  clientId: 'c',
  scopes: new Set(['mcp']),
  audience: 'a',
  grantId: 'g',
  expiresAt: Number.MAX_SAFE_INTEGER,
};
const client = { version: '2025-11-25', capabilities: {}, clientInfo: undefined } as const;
const store: Store = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.resolve(),
  claim: () => Promise.resolve(true),
  delete: () => Promise.resolve(),
  list: async function* () {},
  healthy: () => Promise.resolve(true),
  close: () => Promise.resolve(),
};

const hooks = { reopened: () => Promise.resolve(), ended: () => Promise.resolve() };

let sessions: Sessions;
beforeEach(() => {
  vi.useFakeTimers();
  sessions = new Sessions(randomBytes(32), store, { sessionSeconds: 100_000, replaySeconds: 300 }, hooks);
});
afterEach(() => {
  sessions.close();
  vi.useRealTimers();
});

describe('Sessions', () => {
  it('are the same object while they are used, and made anew from the id after an idle hour', async () => {
    const { id, session } = await sessions.create(principal, AGGREGATE, client);
    session.logLevel = 'error';
    vi.advanceTimersByTime(3_000_000);
    expect(sessions.find(id, principal, AGGREGATE)).toBe(session);
    vi.advanceTimersByTime(3_700_000);
    const again = await sessions.find(id, principal, AGGREGATE);
    expect(again?.claims.sid).toBe(session.claims.sid);
    expect(again?.logLevel).toBe('info');
  });

  it('end after sessionSeconds, also while they are in memory', async () => {
    const { id } = await sessions.create(principal, AGGREGATE, client);
    vi.advanceTimersByTime(1_000_000);
    expect(sessions.find(id, principal, AGGREGATE)).toBeDefined();
    vi.setSystemTime(Date.now() + 99_500_000);
    expect(await sessions.find(id, principal, AGGREGATE)).toBeUndefined();
  });

  it('are of one endpoint', async () => {
    const { id } = await sessions.create(principal, AGGREGATE, client);
    expect(await sessions.find(id, principal, { kind: 'device', device: 'laptop' })).toBeUndefined();
  });

  it('keep a finished stream for replaySeconds, and are not forgotten meanwhile', async () => {
    const { session } = await sessions.create(principal, AGGREGATE, client);
    const stream = new ReplayStreams({ replayBytes: 1000, keepaliveSeconds: 15 }).open(session, '1', () => {});
    vi.advanceTimersByTime(4_000_000);
    expect(session.replays.size).toBe(1);
    stream.part(Buffer.from('{'), Buffer.from('1'), Buffer.from('}'), 1);
    vi.advanceTimersByTime(280_000);
    expect(session.replayBytes).toBeGreaterThan(0);
    vi.advanceTimersByTime(40_000);
    expect(session.replays.size).toBe(0);
    expect(session.replayBytes).toBe(0);
  });
});
