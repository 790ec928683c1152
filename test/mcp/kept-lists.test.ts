import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModernClient } from './modern-client.js';
import { RawClient, replyOf, SseReader } from './raw-client.js';
import { exposed, exposedPrompt, exposedResource, laptop, serverView } from './test-devices.js';
import { startTestRelay, type TestRelay } from './test-relay.js';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ limits: { pageSize: 4 } });
});
afterAll(async () => {
  expect(relay.log.errors).toEqual([]);
  await relay[Symbol.asyncDispose]();
});

/** A tool that counts how often it is written out. */
function counted(user: string, name: string) {
  const count = { written: 0 };
  const tool = exposed(user, name, {
    hint: {
      toJSON() {
        count.written += 1;
        return `hint for ${user}`;
      },
    },
  });
  return { count, tool };
}

const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'] as const;

/** As different as they can be under the same names and revisions. */
function give(user: string, at: TestRelay = relay) {
  const description = `of ${user}`;
  at.devices.setTools(user, [exposed(user, 'run', { description })], 'r1');
  at.devices.setPrompts(user, [exposedPrompt(user, 'greet', { description })], 'r1');
  at.devices.setResources(user, [exposedResource(user, 'a:b', { description })], 'r1');
  at.devices.setTemplates(user, [exposedResource(user, 'a:{b}', { description, uriTemplate: 'a:{b}' })], 'r1');
}

describe('a list that is kept', () => {
  it('is written out once for each kind of client, however often it is asked for', async () => {
    const { count, tool } = counted('u1', 'run');
    relay.devices.setTools('u1', [tool]);
    const clients = [await RawClient.ready(relay), await RawClient.ready(relay, '2025-06-18')];
    for (const client of [...clients, ...clients, await RawClient.ready(relay)]) await client.request(1, 'tools/list');
    expect(count.written).toBe(2);
    const modern = await ModernClient.of(relay);
    for (const id of [1, 2]) await modern.request(id, 'tools/list');
    expect(count.written).toBe(3);
    relay.devices.setTools('u1', [tool]);
    await modern.request(3, 'tools/list');
    expect(count.written).toBe(4);
  });

  it.each(LISTS)('%s answers each request with its own id, and is as long as it says', async (method) => {
    give('u1');
    const ids = ['"\u20ac \ud83d\ude00"', '12345678901234567890', '"a\\"b"', '0'];
    const bodies: string[] = [];
    const client = await RawClient.ready(relay);
    for (const id of ids) {
      const response = await client.post(`{"jsonrpc":"2.0","id":${id},"method":"${method}"}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(response.headers.get('content-length')).toBe(String(bytes.length));
      const head = Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":`);
      expect(bytes.subarray(0, head.length).toString()).toBe(head.toString());
      bodies.push(bytes.subarray(head.length).toString());
      JSON.parse(bytes.toString());
    }
    expect(new Set(bodies).size).toBe(1);
  });

  it.each(LISTS)('%s is one event for a client that takes only those', async (method) => {
    give('u1');
    const client = await RawClient.ready(relay);
    const whole = await replyOf(await client.request('x', method));
    for (const _ of [1, 2]) {
      const message = { jsonrpc: '2.0', id: 'x', method };
      const reader = new SseReader(await client.post(message, { accept: 'text/event-stream' }));
      const events = await reader.rest();
      expect(events.map(({ data }) => JSON.parse(data) as unknown)).toEqual([whole]);
    }
  });

  it.each(LISTS)('%s of one user is never another’s, also where both look alike to the relay', async (method) => {
    const users = ['u1', 'u2', 'u3'];
    for (const user of users) give(user);
    for (const _ of [1, 2]) {
      for (const user of users) {
        const legacy = await RawClient.ready(relay, '2025-11-25', { user });
        const modern = await ModernClient.of(relay, '', { user });
        for (const client of [legacy, modern]) {
          const text = await (await client.request(1, method)).text();
          expect(users.filter((one) => text.includes(`"of ${one}"`))).toEqual([user]);
        }
      }
    }
  });

  it('gives each user a cursor of their own where there is nothing but the relay’s own tools', async () => {
    await using small = await startTestRelay({ limits: { pageSize: 1 } });
    for (const user of ['u1', 'u2', 'u1']) {
      small.devices.setViews(user, [laptop()]);
      const client = await RawClient.ready(small, '2025-11-25', { user }, '/laptop');
      small.devices.setViews(user, []);
      const first = await replyOf(await client.request(1, 'tools/list'));
      const second = await replyOf(await client.request(2, 'tools/list', { cursor: first.result.nextCursor }));
      expect(second.result.tools.map(({ name }) => name)).toEqual(['restart']);
    }
  });

  it('goes on to its next page after what made it another revision', async () => {
    const tools = ['a', 'b', 'c', 'd'].map((name) => exposed('u1', name));
    relay.devices.setViews('u1', [laptop()]);
    relay.devices.setTools('u1', tools);
    const client = await RawClient.ready(relay);
    const pages = async () => {
      const { nextCursor: cursor } = (await replyOf(await client.request(1, 'tools/list'))).result;
      return (await replyOf(await client.request(2, 'tools/list', { cursor }))).result.tools.map(({ name }) => name);
    };
    expect(await pages()).toEqual(['shell__c', 'shell__d']);
    // Only whether results may be cut: the list of tools stays what it is.
    relay.devices.setViews('u1', [
      laptop({ servers: [serverView('shell', { status: 'ready', era: 'legacy', fit: true })] }),
    ]);
    expect(await pages()).toEqual(['shell__c', 'shell__d']);
  });

  it('is the same list where there is no room to keep it', async () => {
    await using without = await startTestRelay({ limits: { listBytes: 0 } });
    const { count, tool } = counted('u1', 'run');
    without.devices.setTools('u1', [tool]);
    const client = await RawClient.ready(without);
    const texts = [await client.request(1, 'tools/list'), await client.request(1, 'tools/list')].map((r) => r.text());
    expect(new Set(await Promise.all(texts)).size).toBe(1);
    expect(count.written).toBe(2);
  });
});
