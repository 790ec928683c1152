import { expect, it } from 'vitest';
import { type Reader, ServerHolds } from './server-holds.js';

function rig() {
  const held = new Set<string>();
  const readers = new Set<Reader>();
  const holds = new ServerHolds(
    () => readers,
    (server, hold) => {
      expect(held.has(server)).toBe(!hold);
      if (hold) held.add(server);
      else held.delete(server);
    },
  );
  const begin = (session: string, more: { lasting?: boolean; server?: string } = {}): Reader => {
    const reader = { server: 'a', full: false, lasting: false, finished: false, ...more, session };
    readers.add(reader);
    holds.began(reader.server);
    return reader;
  };
  const end = (reader: Reader) => {
    holds.ended(reader);
    readers.delete(reader);
  };
  return { holds, held, begin, end };
}

it('holds a server back while all its calls are full', () => {
  const { holds, held, begin, end } = rig();
  const slow = begin('s1');
  const quick = begin('s2');
  holds.count(slow, true);
  expect(held.size).toBe(0);
  end(quick);
  expect([...held]).toEqual(['a']);
  const next = begin('s2');
  expect(held.size).toBe(0);
  holds.count(next, true);
  expect(held.size).toBe(1);
  holds.count(slow, false);
  expect(held.size).toBe(0);
  holds.count(slow, true);
  end(slow);
  expect(held.size).toBe(1);
  end(next);
  expect(held.size).toBe(0);
});

it('has whoever listens wait for a call of its own, and for no one else’s', () => {
  const { holds, held, begin } = rig();
  const call = begin('s1');
  begin('s1', { lasting: true });
  holds.count(call, true);
  expect(held.size).toBe(1);
  begin('s2', { lasting: true });
  expect(held.size).toBe(0);
});

it('goes on only when no reason is left', () => {
  const { holds, held, begin } = rig();
  const call = begin('s1');
  begin('s1', { server: 'b' });
  holds.count(call, true);
  holds.set('a', 'bytes', true);
  holds.count(call, false);
  expect([...held]).toEqual(['a']);
  holds.set('a', 'bytes', false);
  expect(held.size).toBe(0);
});
