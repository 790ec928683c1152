import { randomUUID } from 'node:crypto';
import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RawClient, replyOf } from './raw-client.js';
import { exposed } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

const KiB = 1024;
const BODY = 60 * KiB;
let relay: TestRelay;
let client: RawClient;
let other: RawClient;

beforeAll(async () => {
  relay = await startTestRelay({ limits: { requestBytes: 64 * KiB, openRequestBytes: 256 * KiB } });
  for (const user of ['u1', 'u2']) relay.devices.setTools(user, [exposed(user, 'execute')]);
  client = await RawClient.ready(relay);
  other = await RawClient.ready(relay, '2025-11-25', { user: 'u2' });
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

/** A call whose params are `BODY` bytes. */
const large = (from: RawClient) => from.call(randomUUID(), 'shell__execute', { filler: 'x'.repeat(BODY) });

/** A POST that stops in the middle of its body. */
async function half(): Promise<ClientRequest> {
  const headers = { Authorization: `Bearer ${client.token}`, 'Content-Type': 'application/json' };
  const sent = request(relay.url, { method: 'POST', headers: { ...headers, 'Content-Length': 64 * KiB } });
  sent.on('error', () => {});
  await new Promise((written) => void sent.write(Buffer.alloc(BODY, ' '), written));
  return sent;
}

async function refused(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect((await replyOf(response)).error.message).toContain('limits.openRequestBytes');
}

describe('bodies of requests that are not answered yet', () => {
  it('are bounded for one user, and leave room for others', async () => {
    const running = [large(client), large(client)];
    const calls = [await relay.devices.next(), await relay.devices.next()];
    await refused(large(client));
    expect((await client.request('ping', 'ping')).status).toBe(200);
    const theirs = large(other);
    (await relay.devices.next()).result('{}');
    expect((await theirs).status).toBe(200);
    for (const call of calls) call.result('{}');
    for (const answer of running) expect((await replyOf(await answer)).result).toEqual({});
    const again = large(client);
    (await relay.devices.next()).result('{}');
    expect((await again).status).toBe(200);
  });

  it('count while they are read, until their client has gone', async () => {
    relay.devices.answer = (call) => call.result('{}');
    const halves = [await half(), await half()];
    await vi.waitFor(() => refused(large(client)), 5000);
    for (const sent of halves) sent.destroy();
    await vi.waitFor(async () => expect((await large(client)).status).toBe(200), 5000);
    relay.devices.answer = undefined;
  });
});
