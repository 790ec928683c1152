import { describe, expect, it } from 'vitest';
import { AGGREGATE } from '../endpoint.js';
import { Session } from '../legacy/session.js';
import type { ReplayStream } from './replay-stream.js';
import { ReplayStreams } from './replay-streams.js';

const replayBytes = 10_000;

function session(): Session {
  const claims = { sid: 's', capabilities: {}, clientInfo: undefined, owner: 'o', issuedAt: 0 };
  return new Session({ ...claims, version: '2025-11-25' }, 'user', 'client', AGGREGATE);
}

function answer(stream: ReplayStream, bytes: number): void {
  stream.part(Buffer.from('{'), Buffer.alloc(bytes, 'x'), Buffer.from('}'), bytes);
}

describe('ReplayStreams', () => {
  it('keep a bounded number of bytes for a session, the newest', () => {
    const streams = new ReplayStreams({ replayBytes, keepaliveSeconds: 15 });
    const one = session();
    for (let id = 0; id < 50; id += 1)
      answer(
        streams.open(one, String(id), () => {}),
        9000,
      );
    expect(one.replayBytes).toBeLessThanOrEqual(4 * replayBytes);
    expect([...one.replays.values()].every((stream) => stream.hasMore(0))).toBe(true);
    expect(one.replays.size).toBeGreaterThan(2);
  });

  it('never drop the stream of a call that still runs', () => {
    const streams = new ReplayStreams({ replayBytes, keepaliveSeconds: 15 });
    const one = session();
    const running = streams.open(one, '0', () => {});
    running.event(Buffer.alloc(9000, 'x'), 9000);
    for (let id = 1; id < 50; id += 1)
      answer(
        streams.open(one, String(id), () => {}),
        9000,
      );
    expect(one.replays.get(running.name)).toBe(running);
  });

  it('keep no more of many calls that run at a time than of all together, though none kept much when it began', () => {
    const streams = new ReplayStreams({ replayBytes, keepaliveSeconds: 15 });
    const running = Array.from({ length: 200 }, (_, id) => streams.open(session(), String(id), () => {}));
    for (const stream of running) stream.event(Buffer.alloc(9000, 'x'), 9000);
    expect(streams.bytes).toBeGreaterThan(60 * replayBytes);
    expect(streams.bytes).toBeLessThanOrEqual(65 * replayBytes);
  });

  it('keep nothing more when all sessions together keep too much, until some is let go', () => {
    const streams = new ReplayStreams({ replayBytes, keepaliveSeconds: 15 });
    const sessions = Array.from({ length: 40 }, session);
    for (const one of sessions)
      for (let id = 0; id < 3; id += 1)
        answer(
          streams.open(one, String(id), () => {}),
          9000,
        );
    const kept = () => sessions.reduce((sum, one) => sum + one.replayBytes, 0);
    expect(kept()).toBeLessThanOrEqual(66 * replayBytes);
    for (const one of sessions) for (const stream of one.replays.values()) stream.forget();
    expect(kept()).toBe(0);
    const later = session();
    answer(
      streams.open(later, '1', () => {}),
      9000,
    );
    expect(later.replayBytes).toBeGreaterThan(9000);
  });

  it('take every byte they are given at once while nobody is attached', () => {
    const streams = new ReplayStreams({ replayBytes: 0, keepaliveSeconds: 15 });
    let taken = 0;
    const stream = streams.open(session(), '1', (bytes) => {
      taken += bytes;
    });
    stream.event(Buffer.alloc(100), 100);
    answer(stream, 5000);
    expect(taken).toBe(5100);
  });
});
