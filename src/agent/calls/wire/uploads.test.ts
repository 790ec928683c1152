import { expect, it } from 'vitest';
import { CALL_WINDOW_BYTES } from '../../../protocol/frames.js';
import { Uploads } from './uploads.js';

function rig() {
  const unread = new Map<string, number>();
  const uploads = new Uploads({ unread: (server) => unread.get(server) ?? 0, unreadBytes: 10, heldBytes: 1000 });
  let given = 0;
  const paid = () => {
    const now = given;
    given = 0;
    return now;
  };
  const grant = (bytes: number) => {
    given += bytes;
  };
  return { unread, uploads, paid, grant };
}

it('gives no credit for a server that does not read, until it reads, and others theirs meanwhile', () => {
  const { unread, uploads, paid, grant } = rig();
  unread.set('deaf', 11);
  const deaf = uploads.begin('deaf', 's');
  const other = uploads.begin('other', 's');
  uploads.add(deaf, 100, grant);
  uploads.add(deaf, 50, grant);
  expect(paid()).toBe(0);
  uploads.add(other, 7, grant);
  expect(paid()).toBe(7);
  unread.set('deaf', 10);
  uploads.review();
  expect(paid()).toBe(150);
  uploads.review();
  expect(paid()).toBe(0);
});

it('has the one begun first go on when much is held, then the next, but none whose server does not read', () => {
  const { unread, uploads, paid, grant } = rig();
  unread.set('deaf', 11);
  const three = [uploads.begin('deaf', 's'), uploads.begin('a', 's'), uploads.begin('b', 's')];
  for (const upload of three) uploads.add(upload, CALL_WINDOW_BYTES, grant);
  expect(paid()).toBe(2 * CALL_WINDOW_BYTES);
  const [deaf, first, second] = three;
  if (!deaf || !first || !second) throw new Error('three');
  uploads.add(first, 1001, grant);
  expect(paid()).toBe(1001);
  uploads.add(second, 5, grant);
  expect(paid()).toBe(0);
  uploads.end(first);
  expect(paid()).toBe(5);
  expect(uploads.bytes).toBe(2 * CALL_WINDOW_BYTES + 5);
  uploads.end(deaf);
  uploads.end(second);
  uploads.end(second);
  expect(uploads.bytes).toBe(0);
});
