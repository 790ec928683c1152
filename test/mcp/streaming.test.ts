import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { RawClient, SseReader } from './raw-client.js';
import type { TestCall } from './test-call.js';
import { exposed } from './test-devices.js';
import { startTestRelay, type TestRelay, type TestRelayOptions } from './test-relay.js';

const PIECE = 64 * 1024;
const WINDOW = 256 * 1024;

let relay: TestRelay;
async function start(limits: TestRelayOptions['limits'] = {}): Promise<RawClient> {
  relay = await startTestRelay({ limits });
  relay.devices.setTools('u1', [exposed('u1', 'execute')]);
  return RawClient.ready(relay);
}
afterEach(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

/** Sends a result of this many bytes as an agent does: never more than a window beyond what has been consumed. */
async function sendBig(call: TestCall, bytes: number): Promise<{ readonly hash: string; readonly most: number }> {
  const hash = createHash('sha256');
  const before = call.consumedBytes;
  let given = 0;
  let most = 0;
  while (given < bytes) {
    const size = Math.min(PIECE, bytes - given);
    await call.consumption(before + given + size - WINDOW);
    const piece = Buffer.alloc(size, 97 + ((given / PIECE) % 26));
    hash.update(piece);
    given += size;
    call.sink.piece('result', piece, given === bytes);
    most = Math.max(most, given - (call.consumedBytes - before));
  }
  return { hash: hash.digest('hex'), most };
}

/** The request by node:http, whose response is not read until someone does. */
async function unread(client: RawClient, accept: string): Promise<IncomingMessage> {
  const sent = request(client.url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${client.token}`,
      'Mcp-Session-Id': client.session,
      'Content-Type': 'application/json',
      Accept: accept,
    },
  });
  sent.end('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shell__execute"}}');
  const [response] = await once(sent, 'response');
  return response as IncomingMessage;
}

describe('an answer that takes time', () => {
  it('§7.24 becomes an event stream at the first notification', async () => {
    const client = await start();
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    call.progress(1);
    const response = await answer;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const reader = new SseReader(response);
    const priming = await reader.next();
    expect(priming).toMatchObject({ data: '', retry: '1000' });
    expect((await reader.next())?.data).toContain('"progress":1');
    call.progress(2);
    expect((await reader.next())?.data).toContain('"progress":2');
    call.result('{"ok":1}');
    const last = await reader.rest();
    expect(last.map(({ data }) => data)).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"ok":1}}']);
    expect(call.consumedBytes).toBeGreaterThan(0);
  });

  it('has event ids, all different, and is primed from 2025-11-25 on only', async () => {
    await start();
    for (const [version, primed] of [
      ['2025-11-25', true],
      ['2025-06-18', false],
    ] as const) {
      const client = await RawClient.ready(relay, version);
      const answer = client.call(1, 'shell__execute');
      const call = await relay.devices.next();
      call.progress(1);
      call.progress(2);
      call.result('{}');
      const events = await new SseReader(await answer).rest();
      expect(events).toHaveLength(primed ? 4 : 3);
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      expect(events[0]?.data === '').toBe(primed);
    }
  });

  it('becomes an event stream after a silence, with comments', async () => {
    const client = await start({ silentSeconds: 0.02, keepaliveSeconds: 0.02 });
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    const reader = new SseReader(await answer);
    await reader.comment();
    await reader.comment();
    call.result('{}');
    expect((await reader.rest()).at(-1)?.data).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
  });

  it('stays JSON for a client that takes no event stream, notifications or not', async () => {
    const client = await start({ silentSeconds: 0.01 });
    const answer = client.call(1, 'shell__execute', {}, { accept: 'application/json' });
    const call = await relay.devices.next();
    call.progress(1);
    expect(call.consumedBytes).toBeGreaterThan(0);
    call.result('{}');
    const response = await answer;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
  });

  it('has no comment within an event', async () => {
    const client = await start({ keepaliveSeconds: 0.005 });
    const answer = client.call(1, 'shell__execute');
    const call = await relay.devices.next();
    call.progress(1);
    const reader = new SseReader(await answer);
    await reader.comment();
    call.sink.piece('result', Buffer.from('{"a'), false);
    await new Promise((resolve) => setTimeout(resolve, 30));
    call.sink.piece('result', Buffer.from('":1}'), true);
    expect((await reader.rest()).at(-1)?.data).toBe('{"jsonrpc":"2.0","id":1,"result":{"a":1}}');
  });
});

describe('a large result', () => {
  it.each(['application/json', 'text/event-stream'])(
    'of 60 MiB passes as %s with a window in flight',
    async (accept) => {
      const client = await start();
      const answer = client.call(1, 'shell__execute', {}, { accept });
      const call = await relay.devices.next();
      const sending = sendBig(call, 60 * 1024 * 1024);
      const text = Buffer.from(await (await answer).arrayBuffer());
      const { hash, most } = await sending;
      const head = Buffer.from('"result":');
      const from = text.indexOf(head) + head.length;
      const body = text.subarray(from, from + 60 * 1024 * 1024);
      expect(createHash('sha256').update(body).digest('hex')).toBe(hash);
      expect(most).toBeLessThanOrEqual(WINDOW);
    },
  );

  it.each(['application/json', 'text/event-stream'])(
    'is not consumed while its reader does not read (%s)',
    async (accept) => {
      const client = await start();
      const arriving = relay.devices.next();
      const responding = unread(client, accept);
      const call = await arriving;
      const bytes = 60 * 1024 * 1024;
      const sending = sendBig(call, bytes);
      const response = await responding;
      const stalled = new Promise<'stalled'>((resolve) => setTimeout(resolve, 400, 'stalled'));
      expect(await Promise.race([stalled, sending])).toBe('stalled');
      expect(call.consumedBytes).toBeLessThan(bytes / 2);
      let read = 0;
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
      });
      await once(response, 'end');
      expect((await sending).most).toBeLessThanOrEqual(WINDOW);
      expect(read).toBeGreaterThan(bytes);
    },
  );

  it('whose reader goes away is taken to its end', async () => {
    const client = await start();
    const arriving = relay.devices.next();
    const responding = unread(client, 'application/json');
    const call = await arriving;
    const sending = sendBig(call, 30 * 1024 * 1024);
    const response = await responding;
    response.on('error', () => {});
    response.destroy();
    await sending;
    expect(call.cancelled).toBeUndefined();
    expect((await client.request(2, 'ping')).status).toBe(200);
  });
});

describe('a client that leaves', () => {
  it('§7.23 before the answer cancels nothing', async () => {
    const client = await start();
    const gone = new AbortController();
    const answer = client.call(1, 'shell__execute', {}, { signal: gone.signal });
    const call = await relay.devices.next();
    gone.abort();
    await expect(answer).rejects.toThrow();
    expect((await client.request(2, 'ping')).status).toBe(200);
    expect(call.cancelled).toBeUndefined();
    call.progress(1);
    call.result('{}');
    const again = client.call(1, 'shell__execute');
    (await relay.devices.next()).result('{}');
    expect((await again).status).toBe(200);
  });
});
